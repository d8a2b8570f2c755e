"""Reports: content of a document, charts, and rendering as HTML or Markdown."""
