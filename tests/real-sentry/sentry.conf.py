"""Settings of a throw-away Sentry on 127.0.0.1: its HTTP API, its set-up pages, a worker; no event pipeline."""
import os

from sentry.conf.server import *  # noqa: F401,F403

BASE = os.environ["RS_BASE"]
REDIS_PORT = int(os.environ["RS_REDIS_PORT"])
SENTRY_WEB_HOST = "127.0.0.1"
SENTRY_WEB_PORT = int(os.environ["RS_PORT"])
# As a self-hosted installation has it: a router that keeps connections. Without one, the server hangs
# up after each answer without saying so, and a request that is under way by then is lost.
SENTRY_WEB_OPTIONS = {
    "workers": 1,
    "threads": 4,
    "protocol": "uwsgi",
    "uwsgi-socket": None,
    "http": "127.0.0.1:%d" % SENTRY_WEB_PORT,
    "http-keepalive": 15,
    "http-chunked-input": True,
}
URL = "http://127.0.0.1:%d" % SENTRY_WEB_PORT
ALLOWED_HOSTS = ["*"]
DEBUG = False

DATABASES = {
    "default": {
        "ENGINE": "sentry.db.postgres",
        "NAME": "sentry",
        "USER": "postgres",
        "HOST": os.path.join(BASE, "run"),  # a unix socket: PostgreSQL listens on no TCP port
        "PORT": "5432",
        "AUTOCOMMIT": True,
        "ATOMIC_REQUESTS": False,
    }
}
SENTRY_USE_BIG_INTS = True
SENTRY_SINGLE_ORGANIZATION = False

SENTRY_CACHE = "sentry.cache.redis.RedisCache"
BROKER_URL = "redis://127.0.0.1:%d/1" % REDIS_PORT
SENTRY_RATELIMITER = "sentry.ratelimits.redis.RedisRateLimiter"
SENTRY_EVENTSTREAM = "sentry.eventstream.base.EventStream"
SENTRY_TSDB = "sentry.tsdb.dummy.DummyTSDB"
SENTRY_NODESTORE = "sentry.nodestore.django.DjangoNodeStorage"
SENTRY_DIGESTS = "sentry.digests.backends.dummy.DummyBackend"
SENTRY_SNUBA = "http://127.0.0.1:%s" % os.environ["RS_SNUBA_PORT"]  # empty_snuba.py

# It reports neither its errors nor its use to anybody.
SENTRY_BEACON = False
SENTRY_PROJECT = None
SENTRY_PROJECT_KEY = None

# Rate limits, their headers and the 429 exist only where SENTRY_SELF_HOSTED is false.
if os.environ.get("RS_LIMIT"):
    SENTRY_SELF_HOSTED = False
    SENTRY_RATELIMITER_ENABLED = True
    SENTRY_RATELIMITER_DEFAULT = SENTRY_RATELIMITER_GROUP_CLI = int(os.environ["RS_LIMIT"])

SENTRY_DEFAULT_INTEGRATIONS = tuple(SENTRY_DEFAULT_INTEGRATIONS) + (
    "sentry.integrations.example.ExampleIntegrationProvider",  # ships in the package, for its tests
)
SENTRY_FEATURES["organizations:integrations-custom-scm"] = True
SENTRY_FEATURES["organizations:org-auth-tokens"] = True

SENTRY_OPTIONS.update(
    {
        "system.url-prefix": URL,
        "system.internal-url-prefix": URL,
        "system.secret-key": "throw-away-test-server-not-a-secret-00000000000000",
        "system.admin-email": "admin@example.test",
        "mail.backend": "dummy",
        "filestore.backend": "filesystem",
        "filestore.options": {"location": os.path.join(BASE, "files")},
        "redis.clusters": {"default": {"hosts": {0: {"host": "127.0.0.1", "port": REDIS_PORT}}}},
        "pagerduty.app-id": "TESTAPP",
        # Without these two the owner is asked to set the server up before any other page.
        "sentry:version-configured": "23.7.1",
        "beacon.anonymous": True,
    }
)
