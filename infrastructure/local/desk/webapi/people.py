"""users.* and usergroups.*: who is who."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from infrastructure.local.desk.directory import Directory, Person, UserGroup
from infrastructure.local.desk.shapes import Json, SlackError
from infrastructure.local.desk.webapi.call import Call, next_page

_COLOURS = ("9f69e7", "4bbe2e", "e7392d", "3c989f", "674b1b", "e96699", "e0a729", "684b6c")


def colour(user: str) -> str:
    """Give each person a colour of their own, always the same."""
    return _COLOURS[sum(user.encode()) % len(_COLOURS)]


def _person(directory: Directory, person: Person, now: float) -> Json:
    first, _, last = person.name.partition(" ")
    zone = ZoneInfo(directory.team.time_zone)
    offset = datetime.fromtimestamp(now, UTC).astimezone(zone).utcoffset()
    profile = {
        "real_name": person.name, "real_name_normalized": person.name, "title": person.title,
        "display_name": person.name, "display_name_normalized": person.name,
        "first_name": first, "last_name": last, "email": person.email, "phone": "", "skype": "",
        "status_text": "", "status_emoji": "", "status_expiration": 0, "avatar_hash": "",
        "team": directory.team.id,
    }  # fmt: skip
    known: Json = {
        "id": person.user, "team_id": directory.team.id, "name": person.handle,
        "deleted": not person.active, "profile": profile, "is_bot": False, "is_app_user": False,
        "updated": 0,
    }  # fmt: skip
    if person.active:
        known |= {
            "color": colour(person.user), "real_name": person.name, "tz": str(zone),
            "tz_label": str(zone), "tz_offset": int(offset.total_seconds()) if offset else 0,
            "is_admin": False, "is_owner": False, "is_primary_owner": False,
            "is_restricted": person.guest, "is_ultra_restricted": False, "is_email_confirmed": True,
        }  # fmt: skip
    return known


def _bot(directory: Directory) -> Json:
    app, team = directory.app, directory.team
    profile = {"real_name": app.name, "real_name_normalized": app.name, "display_name": "",
               "display_name_normalized": "", "bot_id": app.bot_id, "api_app_id": app.id,
               "avatar_hash": "", "team": team.id,
               "title": "", "phone": "", "skype": "", "status_text": "", "status_emoji": ""}  # fmt: skip
    return {"id": app.user, "team_id": team.id, "name": app.name.lower(), "deleted": False,
            "real_name": app.name, "profile": profile, "is_bot": True, "is_app_user": False,
            "updated": 0}  # fmt: skip


def info(call: Call) -> Json:
    """users.info."""
    directory, user = call.desk.directory, call.need("user")
    if user == directory.app.user:
        return {"ok": True, "user": _bot(directory)}
    person = directory.person(user)
    if person is None:
        raise SlackError("user_not_found")
    return {"ok": True, "user": _person(directory, person, call.desk.settings.now())}


def list_all(call: Call) -> Json:
    """users.list."""
    directory, now = call.desk.directory, call.desk.settings.now()
    every = [_person(directory, p, now) for p in directory.people] + [_bot(directory)]
    found, cursor = call.page(every, len(every), 1000)
    return {"ok": True, "members": found, "cache_ts": int(now), **next_page(cursor)}


def by_email(call: Call) -> Json:
    """users.lookupByEmail; people who have left are not found."""
    directory, email = call.desk.directory, call.need("email").lower()
    for person in directory.people:
        if person.active and person.email.lower() == email:
            return {"ok": True, "user": _person(directory, person, call.desk.settings.now())}
    raise SlackError("users_not_found")


def _group(directory: Directory, group: UserGroup) -> Json:
    return {
        "id": group.id, "team_id": directory.team.id, "is_usergroup": True, "is_subteam": True, "name": group.name,
        "handle": group.handle, "description": "", "is_external": False, "date_create": 0,
        "date_update": 0, "date_delete": 0, "auto_type": None,
        "auto_provision": False, "enterprise_subteam_id": "", "created_by": directory.app.user,
        "updated_by": directory.app.user, "deleted_by": None, "user_count": len(group.users),
        "prefs": {"channels": [], "groups": []},
    }  # fmt: skip


def _paid(call: Call) -> Directory:
    """Find the workspace, unless it is one of the plan without user groups."""
    if not call.desk.directory.team.paid:
        raise SlackError("plan_upgrade_required")
    return call.desk.directory


def groups(call: Call) -> Json:
    """usergroups.list."""
    directory = _paid(call)
    found = [_group(directory, g) for g in directory.usergroups]
    if call.flag("include_users"):
        members = {g.id: list(g.users) for g in directory.usergroups}
        found = [g | {"users": members[g["id"]]} for g in found]
    return {"ok": True, "usergroups": found}


def group_users(call: Call) -> Json:
    """usergroups.users.list."""
    directory, wanted = _paid(call), call.need("usergroup")
    for group in directory.usergroups:
        if group.id == wanted:
            return {"ok": True, "users": list(group.users)}
    raise SlackError("no_such_subteam")
