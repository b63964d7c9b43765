import words

RELEASE = "Release1"


def handler(event, context):
    return {"statusCode": 200, "body": words.GREETING, "works": "Bad" not in RELEASE}
