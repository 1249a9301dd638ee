"""What schemathesis has to be told about this interface (tools/schemathesis)."""
import re
import uuid

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx, value):
    """Lines of JSON are text to the document; any text may be sent."""
    if isinstance(value, bytes):
        return value
    return str(value).encode("utf-8", errors="replace")


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Two values are right only in view of what was answered before, which a document cannot say. Where they are wrong by
    the document they are sent as they are."""
    # A cursor comes from the page before; one that is made up is refused, however well it is made up.
    cursor = (case.query or {}).get("cursor")
    if isinstance(cursor, str) and re.fullmatch("[0-9a-f]{48}", cursor):
        del case.query["cursor"]
    # A key stands for the first body that came with it.
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch("[!-~]{1,120}", key):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
