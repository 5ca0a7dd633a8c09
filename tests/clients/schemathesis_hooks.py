"""Types of bodies that schemathesis does not know: uploads' bytes."""

import schemathesis

schemathesis.serializer.alias(["application/offset+octet-stream", "application/partial-upload"], "application/octet-stream")
