RELEASE = "Release1"


def handler(event, context):
    if "Bad" in RELEASE:
        raise ValueError("no such column: total")
    return {"statusCode": 200, "body": RELEASE}
