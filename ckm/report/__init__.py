"""Reports that people read: what a document says, how its charts are drawn, and how it becomes a page or a mail."""
