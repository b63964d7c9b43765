"""The stage: a local AWS, made of MiniStack and, a module each, of what it lacks. Other code needs this door alone."""

from rehearsal.stage.process import ACCOUNT, REGION, Stage, StageError, environment, free_port

__all__ = ["ACCOUNT", "REGION", "Stage", "StageError", "environment", "free_port"]
