import json
import time

RELEASE = "Release1"


def handler(event, context):
    first = event.get("Records", [event])[0]
    print(
        json.dumps(
            counted(first.get("eventSource") or first.get("EventSource") or first.get("source", "test"), context)
        )
    )
    return {"works": "Bad" not in RELEASE}


def counted(source, context):
    """An embedded metric: where the event came from, and which version and qualifier it reached."""
    dimensions = ["source", "version", "qualifier"]
    return {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {"Namespace": "Links", "Dimensions": [dimensions], "Metrics": [{"Name": "Events", "Unit": "Count"}]}
            ],
        },
        "source": source,
        "version": context.function_version,
        "qualifier": context.invoked_function_arn.rpartition(":")[2],
        "Events": 1,
    }
