"""auth.test, and what this app may not do."""

from infrastructure.local.desk.shapes import Json, SlackError
from infrastructure.local.desk.webapi.call import Call


def auth_test(call: Call) -> Json:
    """auth.test: who this token is."""
    directory = call.desk.directory
    app, team = directory.app, directory.team
    return {"ok": True, "url": f"{call.base_url}/", "team": team.name, "user": app.name.lower(),
            "team_id": team.id, "user_id": app.user, "bot_id": app.bot_id,
            "is_enterprise_install": False}  # fmt: skip


def connections_open(_call: Call) -> Json:
    """apps.connections.open: Socket Mode wants an app-level token, which a bot's token is not."""
    raise SlackError("not_allowed_token_type")


def unknown(call: Call) -> Json:
    """Answer a method that Slack, or this desk, does not have."""
    raise SlackError("unknown_method", req_method=call.method)


def api_test(call: Call) -> Json:
    """api.test: say it back."""
    if call.text("error"):
        raise SlackError(call.text("error"))
    return {"ok": True, "args": {k: v for k, v in call.args.items() if k != "token"}}
