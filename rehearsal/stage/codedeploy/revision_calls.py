"""CodeDeploy's API of revisions: those that were registered, and those that deployments used."""

from __future__ import annotations

from . import paging, shapes
from .appspec import Revision
from .calls import MOST_IN_A_BATCH, Calls
from .errors import ApiError
from .revisions import Registered, Use, use
from .shapes import Json, required

SORTS = ("registerTime", "firstUsedTime", "lastUsedTime")
ORDERS = ("ascending", "descending")
DEPLOYED = ("include", "exclude", "ignore")


class RevisionCalls(Calls):
    def register_application_revision(self, request: Json) -> Json:
        """? Whether AWS reads the AppSpec already: here it does when it is deployed."""
        application, revision = required(request, "applicationName"), shapes.revision(request.get("revision"))
        self.service.register(application, revision, str(request.get("description") or ""))
        return {}

    def get_application_revision(self, request: Json) -> Json:
        application, found = self._found(request, request.get("revision"))
        return {
            "applicationName": application,
            "revision": shapes.revision_json(found.revision),
            "revisionInfo": shapes.revision_info_json(found, self._use(application, found.revision)),
        }

    def batch_get_application_revisions(self, request: Json) -> Json:
        """What the application doesn't know is left out, and `errorMessage` says so. ? The text is the stage's own."""
        application, asked = required(request, "applicationName"), request.get("revisions") or []
        self.service.registry.application(application)
        if not asked:
            raise ApiError("RevisionRequiredException", "The revisions are required.")
        if len(asked) > MOST_IN_A_BATCH:
            raise ApiError("BatchLimitExceededException", f"At most {MOST_IN_A_BATCH} revisions a call.")
        keys = [shapes.revision_key(one) for one in asked]
        known = {one.revision.key: one for one in self.service.registry.revisions.of(application)}
        found = [known[key] for key in keys if key in known]
        missing = len(keys) - len(found)
        return {
            "applicationName": application,
            "revisions": [
                {
                    "revisionLocation": shapes.revision_json(one.revision),
                    "genericRevisionInfo": shapes.revision_info_json(one, self._use(application, one.revision)),
                }
                for one in found
            ],
            **({"errorMessage": f"{missing} of the revisions are not of {application}."} if missing else {}),
        }

    def list_application_revisions(self, request: Json) -> Json:
        """Without `sortBy`, in the order in which they were registered. One that was never used sorts first."""
        application = required(request, "applicationName")
        self.service.registry.application(application)
        by = _one_of(SORTS, request, "sortBy", "InvalidSortByException") or "registerTime"
        down = _one_of(ORDERS, request, "sortOrder", "InvalidSortOrderException") == "descending"
        deployed = _one_of(DEPLOYED, request, "deployed", "InvalidDeployedStateFilterException") or "ignore"
        bucket, prefix = request.get("s3Bucket"), request.get("s3KeyPrefix")
        if prefix and not bucket:
            raise ApiError("BucketNameFilterRequiredException", "An s3KeyPrefix needs the s3Bucket.")
        known = self.service.registry.revisions.of(application)
        uses = [(one, self._use(application, one.revision)) for one in known if _lies_in(one.revision, bucket, prefix)]
        listed = [(one, used) for one, used in uses if deployed in ("ignore", "include" if used.groups else "exclude")]
        listed.sort(key=lambda item: _time(by, *item), reverse=down)
        named = {repr(one.revision.key): one.revision for one, _ in listed}
        names, token = paging.page(list(named), request.get("nextToken"), self.service.behaviour.page)
        return {
            "revisions": [shapes.revision_json(named[name]) for name in names],
            **({"nextToken": token} if token else {}),
        }

    def _found(self, request: Json, asked: Json | None) -> tuple[str, Registered]:
        application = required(request, "applicationName")
        self.service.registry.application(application)
        return application, self.service.registry.revisions.find(application, shapes.revision_key(asked))

    def _use(self, application: str, revision: Revision) -> Use:
        return use(revision, self._of(application, None))


def _one_of(words: tuple[str, ...], request: Json, member: str, error: str) -> str | None:
    word = request.get(member)
    if word and word not in words:
        raise ApiError(error, f"The {member} is one of {', '.join(words)}, not {word}.")
    return word or None


def _lies_in(revision: Revision, bucket: str | None, prefix: str | None) -> bool:
    if not bucket:
        return True
    at = revision.location
    return at is not None and at.bucket == bucket and at.key.startswith(prefix or "")


def _time(by: str, registered: Registered, used: Use) -> float:
    times = {"registerTime": registered.time, "firstUsedTime": used.first, "lastUsedTime": used.last}
    return times[by] or 0.0
