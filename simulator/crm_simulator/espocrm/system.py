"""Users, teams, roles, templates, jobs, addresses and stream notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_simulator.espocrm.activities import address_id
from crm_simulator.espocrm.drafts import Draft, Maker
from crm_simulator.espocrm.moments import text_of
from crm_simulator.espocrm.roles import ALL_PERMISSIONS, FIELDS, PERMISSIONS, ROLES, spelled
from crm_simulator.espocrm.users import ADMIN, USERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row

_TEAMS = ("Sales EU", "Sales Overseas", "Команда підтримки")
_JOBS = ("Cleanup", "CheckNewVersion", "ProcessWebhookQueue", "SendEmailReminders")
_ADDRESSED = ("User", "Account", "Contact", "Lead")


def _user(draft: Draft) -> Row:
    draft.modified = draft.created
    if not draft.id:
        return {
            "userName": f"user{draft.index}",
            "type": "regular",
            "lastName": draft.content.last_name(),
            "isActive": True,
        }
    user = USERS[draft.index]
    seeds = draft.seeds
    if user.team is not None:
        draft.pairs.append(("teams", seeds.origins("Team")[user.team][0], {"role": None}))
    if user.role:
        place = list(ROLES).index(user.role)
        draft.pairs.append(("roles", seeds.origins("Role")[place][0], {}))
    person = user.type == "regular"
    return {
        "userName": user.name,
        "type": user.type,
        "firstName": user.first,
        "lastName": user.last,
        "isActive": user.active,
        "emailAddress": f"{user.name}@crm.example" if person else None,
        "title": "Account manager" if person else None,
        "createdById": "system" if user.name == ADMIN else seeds.origins("User")[0][0],
        "defaultTeamId": seeds.origins("Team")[user.team][0] if user.team is not None else None,
        "apiKey": user.api_key,
        "authMethod": ("Hmac" if user.secret_key else "ApiKey") if user.api_key else None,
        "workingTimeCalendarId": None,
    }


def _team(draft: Draft) -> Row:
    draft.modified = draft.created
    return {"name": _TEAMS[draft.index % len(_TEAMS)]}


def _role(draft: Draft) -> Row:
    draft.modified = draft.created
    name = tuple(ROLES)[draft.index % len(ROLES)]
    permissions = dict.fromkeys(ALL_PERMISSIONS, "not-set") | PERMISSIONS.get(name, {})
    hidden = {
        scope: {field: {"read": "no", "edit": "no"} for field in fields}
        for scope, fields in FIELDS.get(name, {}).items()
    }
    data = {scope: spelled(access) for scope, access in ROLES[name].items()}
    return {"name": name, **permissions, "data": data, "fieldData": hidden or None}


def _email_template(draft: Draft) -> Row:
    names = ("Welcome", "Quote sent", "Case received", "Case closed", "Renewal", "Newsletter")
    name = names[draft.index % len(names)]
    return {
        "name": name,
        "subject": name,
        "body": f"<p>Dear {{Person.name}},</p><p>{draft.content.sentence()}</p>",
        "isHtml": True,
        "status": "Active",
        "categoryId": draft.maybe(draft.any("EmailTemplateCategory")),
    }


def _scheduled_job(draft: Draft) -> Row:
    draft.modified = draft.created
    job = _JOBS[draft.index % len(_JOBS)]
    return {"name": job, "job": job, "status": "Active", "scheduling": "*/5 * * * *", "createdById": "system"}


def _job(draft: Draft) -> Row:
    draft.modified = draft.created
    job = _JOBS[draft.index % len(_JOBS)]
    return {
        "name": job,
        "number": draft.index + 1,
        "status": "Success",
        "executeTime": text_of(draft.created),
        "attempts": 1,
        "scheduledJobId": draft.seeds.origins("ScheduledJob")[draft.index % len(_JOBS)][0],
    }


def _addresses(store: Store, _draft: Draft) -> Iterator[Row]:
    seen = set()
    for entity in _ADDRESSED:
        for row in store.table(entity).live.values():
            address = row.get("emailAddress")
            if address and address_id(address) not in seen:
                seen.add(address_id(address))
                yield {"id": address_id(address), "name": address, "lower": address.lower()}
    for row in store.table("Email").live.values():
        for address in (row.get("from"), row.get("to")):
            if address and address_id(address) not in seen:
                seen.add(address_id(address))
                yield {"id": address_id(address), "name": address, "lower": address.lower()}


def _numbers(store: Store, _draft: Draft) -> Iterator[Row]:
    seen = set()
    for entity in _ADDRESSED:
        for row in store.table(entity).live.values():
            number = row.get("phoneNumber")
            if number and number not in seen:
                seen.add(number)
                digits = "".join(filter(str.isdigit, number))
                yield {"id": address_id(number), "name": number, "type": "Office", "numeric": digits}


SYSTEM_MAKERS = {
    "EmailAddress": Maker(lambda _draft: {}, _addresses),
    "EmailTemplate": Maker(_email_template),
    "EmailTemplateCategory": Maker(
        lambda draft: {"name": f"Category {draft.index + 1}", "order": draft.index + 1}
    ),
    "Job": Maker(_job),
    "PhoneNumber": Maker(lambda _draft: {}, _numbers),
    "Role": Maker(_role),
    "ScheduledJob": Maker(_scheduled_job),
    "Team": Maker(_team),
    "Template": Maker(
        lambda draft: {"name": f"Letter {draft.index + 1}", "entityType": "Account", "status": "Active"}
    ),
    "User": Maker(_user),
    "WorkingTimeCalendar": Maker(lambda _draft: {"name": "Office hours", "timeRanges": [["9:00", "17:00"]]}),
}
