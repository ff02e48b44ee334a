"""A page in the browser: pictures, videos and cameras asked in words (docs/web.md)."""

import os

# Read by gradio when it is imported: it shall ask nobody on the network.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
