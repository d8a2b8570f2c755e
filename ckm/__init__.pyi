from ckm import check as check
from ckm import churn as churn
from ckm import diff as diff
from ckm import errors as errors
from ckm import feedback as feedback
from ckm import ingest as ingest
from ckm import kb as kb
from ckm import loyalty as loyalty
from ckm import privacy as privacy
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
    "feedback",
    "ingest",
    "kb",
    "loyalty",
    "open",
    "privacy",
    "segment",
]

__version__: str
