"""Whether each document has one label or several, in the API's words."""

from typing import Literal

Mode = Literal["MULTI_CLASS", "MULTI_LABEL"]
