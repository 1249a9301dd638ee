"""What schemathesis has to be told about this interface (tools/schemathesis)."""
import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx, value):
    """Lines of JSON are text to the document; any text may be sent."""
    if isinstance(value, bytes):
        return value
    return str(value).encode("utf-8", errors="replace")


@schemathesis.hook
def filter_query(ctx, query):
    """A cursor comes from the page before; one that is made up is refused, however well it is made up."""
    return not query or "cursor" not in query
