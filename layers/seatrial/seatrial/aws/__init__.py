"""How Seatrial talks to AWS: one adapter a service, its typed client passed in."""
