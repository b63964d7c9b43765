"""What the stage adds to CloudWatch."""
