from ckm import check as check
from ckm import churn as churn
from ckm import diff as diff
from ckm import errors as errors
from ckm import evaluate as evaluate
from ckm import feedback as feedback
from ckm import forecast as forecast
from ckm import ingest as ingest
from ckm import kb as kb
from ckm import link as link
from ckm import loyalty as loyalty
from ckm import mcp as mcp
from ckm import needs as needs
from ckm import network as network
from ckm import nightly as nightly
from ckm import privacy as privacy
from ckm import profile as profile
from ckm import runs as runs
from ckm import segment as segment
from ckm.shop import Shop as Shop
from ckm.shop import open_shop as open  # noqa: A004

__all__ = [
    "Shop",
    "__version__",
    "check",
    "churn",
    "diff",
    "errors",
    "evaluate",
    "feedback",
    "forecast",
    "ingest",
    "kb",
    "link",
    "loyalty",
    "mcp",
    "needs",
    "network",
    "nightly",
    "open",
    "privacy",
    "profile",
    "runs",
    "segment",
]

__version__: str
