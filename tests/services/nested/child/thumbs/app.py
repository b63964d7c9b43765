RELEASE = "Release1"


def handler(event, context):
    if "Bad" in RELEASE:
        raise MemoryError
    return RELEASE
