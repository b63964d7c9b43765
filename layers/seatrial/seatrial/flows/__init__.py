"""What Seatrial does: use cases that join decisions (core) and adapters (aws)."""
