"""Gaps of MiniStack's CloudFormation that have nothing to do with CodeDeploy; those that have are in its folder."""
