"""What the stage adds to Lambda, and to what invokes functions."""
