"""What each kind of user may do, as letters: read, stream, edit, delete, create."""

from __future__ import annotations

from crm_simulator.espocrm.users import LIMITED, READ_ALL

Access = dict[str, str | bool]

_WORDS = {"a": "all", "t": "team", "o": "own", "n": "no", "y": "yes"}
_ACTIONS = ("read", "stream", "edit", "delete", "create")


def _names(text: str) -> list[str]:
    return text.split()


EVERYBODY: Access = {
    "ActionHistoryRecord": "onnnn",
    "Attachment": "onooy",
    "EmailAccount": "onooy",
    "EmailFilter": "onooy",
    "EmailFolder": "onooy",
    "GroupEmailFolder": "tnnnn",
    "Note": "onooy",
    "Notification": "onnon",
    "Preferences": "ononn",
    "Stream": True,
    "Team": "tnnnn",
    "User": "onnnn",
}
"""What a user without any role may do."""
_READABLE = _names(
    """
    Email EmailTemplate EmailTemplateCategory Template Account Call Campaign CampaignLogRecord
    CampaignTrackingUrl Case Contact Document DocumentFolder EmailQueueItem KnowledgeBaseArticle
    KnowledgeBaseCategory Lead MassEmail Meeting Opportunity TargetList TargetListCategory Task
    CEverything CGuest CMembership CSupplier CVisit
    """
)
_GRANTED = _names(
    """
    EmailAccountScope ExternalAccount GlobalStream Import ImportEml ImportError Webhook
    WorkingTimeCalendar WorkingTimeRange Activities Calendar
    """
)
ROLES: dict[str, Access] = {
    READ_ALL: {
        "Currency": "ynnnn",
        "Team": "annnn",
        "User": "annnn",
        **dict.fromkeys(_READABLE, "aannn"),
        **dict.fromkeys(_GRANTED, True),
    },
    LIMITED: {
        "Account": "ttony",
        "Contact": "oonnn",
        "Opportunity": "nnnnn",
        "Task": "annnn",
        "CEverything": "annnn",
    },
}
FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    LIMITED: {"Account": ("website", "cAnnualRevenue"), "Task": ("modifiedAt",)},
}
"""Fields that a role hides."""
PERMISSIONS: dict[str, dict[str, str]] = {
    READ_ALL: {"auditPermission": "yes", "exportPermission": "yes", "userPermission": "all"},
}
ALL_PERMISSIONS = {
    "assignmentPermission": "all",
    "messagePermission": "all",
    "mentionPermission": "yes",
    "userCalendarPermission": "all",
    "auditPermission": "yes",
    "exportPermission": "yes",
    "massUpdatePermission": "yes",
    "userPermission": "all",
    "portalPermission": "yes",
    "groupEmailAccountPermission": "all",
    "followerManagementPermission": "all",
    "dataPrivacyPermission": "yes",
}
"""Every permission with what an administrator has."""


def spelled(letters: str | bool) -> dict[str, str] | bool:  # noqa: FBT001 - a value of the table, not a switch
    """Spell a scope's letters out as the API does."""
    if isinstance(letters, bool):
        return letters
    return {action: _WORDS[letter] for action, letter in zip(_ACTIONS, letters, strict=True)}
