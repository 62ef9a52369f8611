"""The choices of enum fields, by entity type and field."""

from __future__ import annotations

_INDUSTRIES = (
    "Agriculture",
    "Automotive",
    "Banking",
    "Construction",
    "Education",
    "Energy",
    "Finance",
    "Healthcare",
    "Legal",
    "Manufacturing",
    "Retail",
    "Software",
    "Transportation",
)
_SOURCES = ("Call", "Email", "Existing Customer", "Partner", "Public Relations", "Web Site", "Campaign", "Other")
_MEETING = ("Planned", "Held", "Not Held")
_PERMISSIONS = ("not-set", "all", "team", "no")

OPTIONS: dict[tuple[str, str], tuple[object, ...]] = {
    ("Account", "cTags"): ("eu", "vip", "cold", "press"),
    ("Account", "cTierLevel"): ("Bronze", "Silver", "Gold"),
    ("Account", "industry"): _INDUSTRIES,
    ("Account", "type"): ("Customer", "Investor", "Partner", "Reseller"),
    ("ActionHistoryRecord", "action"): ("read", "update", "create", "delete"),
    ("CEverything", "fChecklist"): ("one", "two", "three"),
    ("CEverything", "fEnum"): ("Alpha", "Beta", "Gamma"),
    ("CEverything", "fEnumFloat"): (0.5, 1.5, 2.5),
    ("CEverything", "fEnumInt"): (1, 2, 3),
    ("CEverything", "fMultiEnum"): ("red", "green", "Ünïcode, comma"),
    ("CVisit", "status"): _MEETING,
    ("Call", "direction"): ("Outbound", "Inbound"),
    ("Call", "status"): _MEETING,
    ("Campaign", "status"): ("Planning", "Active", "Inactive", "Complete"),
    ("Campaign", "type"): ("Email", "Newsletter", "Informational Email", "Web", "Television", "Radio", "Mail"),
    ("Case", "priority"): ("Low", "Normal", "High", "Urgent"),
    ("Case", "status"): ("New", "Assigned", "Pending", "Closed", "Rejected", "Duplicate"),
    ("Case", "type"): ("Question", "Incident", "Problem"),
    ("Contact", "salutationName"): ("Mr.", "Ms.", "Mrs.", "Dr."),
    ("Document", "status"): ("Active", "Draft", "Expired", "Canceled"),
    ("Document", "type"): ("Contract", "NDA", "EULA", "License Agreement"),
    ("Email", "status"): ("Draft", "Sending", "Sent", "Archived", "Failed"),
    ("KnowledgeBaseArticle", "status"): ("Draft", "In Review", "Published", "Archived"),
    ("KnowledgeBaseArticle", "type"): ("Article",),
    ("Lead", "industry"): _INDUSTRIES,
    ("Lead", "source"): _SOURCES,
    ("Lead", "status"): ("New", "Assigned", "In Process", "Converted", "Recycled", "Dead"),
    ("Meeting", "status"): _MEETING,
    ("Note", "type"): ("Post", "Create", "CreateRelated", "Update", "Status", "Assign"),
    ("Opportunity", "leadSource"): _SOURCES,
    ("Opportunity", "stage"): (
        "Prospecting",
        "Qualification",
        "Proposal",
        "Negotiation",
        "Closed Won",
        "Closed Lost",
    ),
    ("Role", "exportPermission"): ("not-set", "yes", "no"),
    ("Role", "userPermission"): _PERMISSIONS,
    ("Task", "priority"): ("Low", "Normal", "High", "Urgent"),
    ("Task", "status"): ("Not Started", "Started", "Completed", "Canceled", "Deferred"),
    ("User", "type"): ("regular", "admin", "portal", "system", "super-admin", "api"),
}
