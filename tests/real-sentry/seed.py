"""Fills an empty Sentry with what the tests need. Run by `sentry exec`, which configures Django first.

Says in run/seed.env how to reach the server, with every token.
"""
import os

from sentry import options
from sentry.models import (
    ApiToken,
    Organization,
    OrganizationMember,
    OrganizationMemberTeam,
    OrgAuthToken,
    Project,
    Team,
    User,
)
from sentry.utils.security.orgauthtoken_token import generate_token, hash_token

ALL_SCOPES = [
    "org:read", "org:write", "org:admin", "org:integrations",
    "project:read", "project:write", "project:admin", "project:releases",
    "team:read", "team:write", "team:admin",
    "member:read", "member:admin",
    "event:read", "event:admin",
]  # fmt: skip


def add_user(email, role, **flags):
    user = User(username=email, email=email, name=email.split("@")[0], **flags)
    user.set_password("realsentry-pw-1")
    user.save()
    user.emails.update(is_verified=True)
    membership = OrganizationMember.objects.create(organization=acme, user_id=user.id, role=role)
    OrganizationMemberTeam.objects.create(team=core, organizationmember=membership)
    return user


def user_token(user, scopes):
    return ApiToken.objects.create(user=user, scope_list=scopes, expires_at=None, refresh_token=None).token


def org_token():
    token = generate_token(acme.slug, url)
    OrgAuthToken.objects.create(
        organization_id=acme.id,
        name="ci",
        token_hashed=hash_token(token),
        token_last_characters=token[-4:],
        scope_list=["org:ci"],
        created_by=admin,
    )
    return token


url = options.get("system.url-prefix")
acme = Organization.objects.create(name="Acme", slug="acme")
Organization.objects.create(name="Other", slug="other")
core = Team.objects.create(organization=acme, slug="core", name="core")
admin = add_user("admin@example.test", "owner", is_superuser=True, is_staff=True)
manager = add_user("manager@example.test", "manager")
member = add_user("member@example.test", "member")
for slug, platform in [("web", "javascript"), ("api", "python")]:
    Project.objects.create(organization=acme, slug=slug, name=slug, platform=platform).add_team(core)

reach = {
    "SENTRY_URL": url,
    "SENTRY_ORG": acme.slug,
    "SENTRY_AUTH_TOKEN": user_token(admin, ALL_SCOPES),
    "RS_TOKEN_CI": user_token(admin, ["project:releases", "org:read"]),
    "RS_TOKEN_RELEASES": user_token(admin, ["project:releases"]),
    "RS_TOKEN_READ": user_token(admin, ["org:read"]),
    "RS_TOKEN_INTEGRATIONS": user_token(admin, ["org:read", "org:integrations"]),
    "RS_TOKEN_MANAGER": user_token(manager, ALL_SCOPES),
    "RS_TOKEN_MEMBER": user_token(member, ALL_SCOPES),
    "RS_TOKEN_ORG": org_token(),
    "RS_GITLAB_URL": "http://127.0.0.1:" + os.environ["RS_GITLAB_PORT"],
}
with open(os.path.join(os.environ["RS_BASE"], "run", "seed.env"), "w") as file:
    file.writelines("%s=%s\n" % item for item in reach.items())
