"""Believable meetings, calls, tasks, e-mails, documents, articles and stream notes."""

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING

from crm_simulator import words
from crm_simulator.espocrm.drafts import DAY, Draft, Maker
from crm_simulator.espocrm.moments import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row

_PARENTS = ("Account", "Account", "Opportunity", "Case", "Lead")
_STATUS = ("None", "None", "Accepted", "Tentative", "Declined")


def address_id(address: str) -> str:
    """Give the id of the record that holds an e-mail address or a telephone number."""
    return md5(address.lower().encode(), usedforsecurity=False).hexdigest()[:17]


def file_id(identity: str) -> str:
    """Give the id of the file that belongs to a record."""
    return f"{identity[:8]}f{identity[9:]}"


def _event(draft: Draft, minutes: int) -> Row:
    content = draft.content
    start = draft.created - draft.created % DAY + content.number(1, 20) * DAY + content.number(8, 16) * 3600
    held = start < draft.seeds.today
    parent = draft.parent(_PARENTS)

    def status() -> Row:
        return {"status": content.pick(_STATUS)}

    user = draft.user()
    if draft.id:
        draft.pairs.append(("users", user, status()))
        draft.pair("users", "User", 1, status)
        draft.pair("contacts", "Contact", 2, status)
        if content.chance(0.2):
            draft.pair("leads", "Lead", 1, status)
    return {
        "name": content.pick(words.ACTIVITY_SUBJECTS),
        "status": content.pick(("Held", "Held", "Held", "Not Held")) if held else "Planned",
        "dateStart": text_of(start),
        "dateEnd": text_of(start + minutes * 60),
        "description": draft.maybe(content.text(3)),
        **parent,
        "accountId": parent.get("parentId") if parent.get("parentType") == "Account" else None,
        "assignedUserId": user,
    }


def _meeting(draft: Draft) -> Row:
    row = _event(draft, draft.content.pick((30, 60, 90)))
    if draft.content.chance(0.05):
        day = row["dateStart"][:10]
        row |= {
            "dateStart": None,
            "dateEnd": None,
            "dateStartDate": day,
            "dateEndDate": day,
            "isAllDay": True,
        }
    return row


def _call(draft: Draft) -> Row:
    return _event(draft, draft.content.pick((5, 10, 20))) | {"direction": draft.option("direction")}


def _task(draft: Draft) -> Row:
    content = draft.content
    due = draft.created + content.number(1, 30) * DAY
    done = due < draft.seeds.today and content.chance(0.9)
    whole_day = content.chance(0.4)
    parent = draft.parent(_PARENTS)
    return {
        "name": content.pick(words.ACTIVITY_SUBJECTS),
        "status": "Completed" if done else draft.option("status"),
        "priority": draft.option("priority"),
        "dateEnd": text_of(due - due % DAY + DAY) if whole_day else text_of(due),
        "dateEndDate": draft.day(due) if whole_day else None,
        "dateCompleted": text_of(due) if done else None,
        "description": draft.maybe(content.text(2), 0.3),
        **parent,
        "accountId": parent.get("parentId") if parent.get("parentType") == "Account" else None,
        "assignedUserId": draft.user(),
    }


def _email(draft: Draft) -> Row:
    content = draft.content
    first, last = content.pick(words.FIRST_NAMES[:8]), content.pick(words.LAST_NAMES[:12])
    sender = content.email(first, last, "post.example")
    receiver = f"{content.pick(('sales', 'office', 'service'))}@crm.example"
    parent = draft.parent(_PARENTS)
    if draft.id:
        draft.pairs.append(("toEmailAddresses", address_id(receiver), {}))
        draft.pairs.append(("assignedUsers", draft.user(), {}))
    subject = content.pick(words.ACTIVITY_SUBJECTS)
    text = content.text(6)
    return {
        "name": f"Re: {subject}" if content.chance(0.5) else subject,
        "fromString": draft.maybe(f"{first} {last} <{sender}>"),
        "from": sender,
        "to": receiver,
        "cc": "",
        "bcc": "",
        "replyTo": "",
        "fromEmailAddressId": address_id(sender),
        "messageId": f"<{draft.index}.{draft.created}@post.example>",
        "personStringData": f"{first} {last}",
        "isRead": True,
        "isHtml": True,
        "status": "Archived",
        "body": f"<p>{text}</p>",
        "bodyPlain": text,
        "dateSent": text_of(draft.created),
        **parent,
        "accountId": parent.get("parentId") if parent.get("parentType") == "Account" else None,
        "sentById": draft.maybe(draft.user(), 0.4),
        "isImportant": None,
        "inTrash": None,
        "inArchive": None,
        "nameHash": {},
        "typeHash": {},
        "idHash": {},
    }


def _document(draft: Draft) -> Row:
    content = draft.content
    if draft.id:
        draft.pair("accounts", "Account", 1)
        draft.pair("opportunities", "Opportunity", 1)
        draft.pair("contacts", "Contact", 1)
    return {
        "name": f"{content.pick(words.DEALS)} {draft.index}.txt",
        "fileId": file_id(draft.id) if draft.id else None,
        "status": draft.option("status"),
        "type": draft.option("type"),
        "publishDate": draft.day(draft.created),
        "expirationDate": draft.maybe(draft.day(draft.created + 365 * DAY)),
        "folderId": draft.maybe(draft.any("DocumentFolder")),
        "assignedUserId": draft.maybe(draft.user()),
    }


def _article(draft: Draft) -> Row:
    content = draft.content
    text = content.text(20) or content.sentence()
    if draft.id:
        draft.pair("categories", "KnowledgeBaseCategory", 2)
    return {
        "name": f"{content.pick(words.PRODUCTS)}: {content.pick(words.ISSUES).lower()}",
        "status": draft.option("status"),
        "type": "Article",
        "order": 10_000 - draft.index,
        "body": f"<p>{text}</p>",
        "bodyPlain": text,
        "publishDate": draft.day(draft.created),
        "assignedUserId": draft.maybe(draft.user()),
    }


def _named(*names: str) -> Maker:
    return Maker(lambda draft: {"name": names[draft.index % len(names)], "order": draft.index + 1})


def _attachments(store: Store, draft: Draft) -> Iterator[Row]:
    for row in store.table("Document").live.values():
        yield {
            "id": file_id(row["id"]),
            "name": row["name"],
            "type": "text/plain",
            "size": 20 + len(row["name"]),
            "role": "Attachment",
            "field": "file",
            "storage": "EspoUploadDir",
            "relatedType": "Document",
            "relatedId": row["id"],
            "createdAt": row["createdAt"],
            "modifiedAt": row["createdAt"],
        }
    yield from _everything_files(store, draft)


def _everything_files(store: Store, draft: Draft) -> Iterator[Row]:
    row = store.table("CEverything").live.get(draft.seeds.origins("CEverything")[0][0])
    if row is None:
        return
    plain: Row = {"size": 12, "role": "Attachment", "storage": "EspoUploadDir", "createdAt": row["createdAt"]}
    plain["modifiedAt"] = row["createdAt"]
    related: Row = {"relatedType": "CEverything", "relatedId": row["id"]}
    yield (
        plain
        | related
        | {"id": row["fFileId"], "name": "contract ü.txt", "type": "text/plain", "field": "fFile"}
    )
    yield plain | related | {"id": row["fImageId"], "name": "dot.png", "type": "image/png", "field": "fImage"}
    for number in (1, 2):
        yield plain | {
            "id": f"{row['id'][:8]}e{row['id'][9:-1]}{number}",
            "name": f"a{number}.txt",
            "type": "text/plain",
            "field": "fAttachments",
            "parentType": "CEverything",
            "parentId": row["id"],
        }


ACTIVITY_MAKERS = {
    "Attachment": Maker(lambda _draft: {}, _attachments),
    "Call": Maker(_call),
    "Document": Maker(_document),
    "DocumentFolder": _named("Contracts", "Quotes", "Manuals", "Archive"),
    "Email": Maker(_email),
    "KnowledgeBaseArticle": Maker(_article),
    "KnowledgeBaseCategory": _named("Printers", "Scanners", "Accounts", "Billing", "Other"),
    "Meeting": Maker(_meeting),
    "TargetListCategory": _named("Marketing", "Sales"),
    "Task": Maker(_task),
}
