"""Gaps of MiniStack's CloudFormation; what calls CodeDeploy for it is in codedeploy.stacks and codedeploy.resources.

`requests`, `unread` and `inert` are what may be asked for; `templates` is what a template comes to; `operations`,
`side_by_side`, `together` and `nested` are how a stack's resources are updated; `drift` is what they are by now.
"""
