//! `/api/0/`, `/organizations/` and `/projects/`: the user, and what there is.

use crate::database::{Organization, Principal, Project};
use crate::model::Object;
use crate::model::site::Site;
use crate::server::endpoint::{OrgRequest, PublicRequest};
use crate::server::http::{ApiError, ApiResult, ListQuery, ok};
use crate::text::date::iso;
use serde_json::{Value, json};

/// A project's settings, which are the same for all: nothing here takes events.
const SETTINGS: &str = include_str!("project.json");

/// `GET /api/0/`: who am I.
pub(crate) async fn who_am_i(mut request: PublicRequest) -> ApiResult {
    let Some(principal) = request.principal else {
        return Ok(ok(&json!({ "version": "0", "auth": null, "user": null })));
    };
    let user = match principal.user {
        Some(id) => user(id, &request.database.user_name(id).await?),
        None => Value::Null,
    };
    Ok(ok(&json!({ "version": "0", "auth": { "scopes": principal.scopes }, "user": user })))
}

/// `GET /organizations/`.
pub(crate) async fn list(mut request: PublicRequest) -> ApiResult {
    let page = ListQuery::read(&request.raw)?;
    let user = request.principal.as_ref().and_then(|principal| principal.user);
    let user = user.ok_or_else(ApiError::forbidden)?;
    let query = request.raw.query("query").unwrap_or_default().to_owned();
    let organizations = request.database.organizations(user, &query, page.rows()).await?;
    let base = request.server.base_for(&request.raw.headers);
    let rows = organizations.iter().map(|org| organization(&base, org)).collect();
    page.respond(&base, &request.raw, rows)
}

/// `GET /organizations/{org}/`.
pub(crate) async fn show(mut request: OrgRequest) -> ApiResult {
    let mut shown = organization(&request.base(), &request.org);
    shown["access"] = json!(request.principal.scopes);
    if let Some(user) = request.principal.user {
        shown["orgRole"] = request.database.role(request.org.id, user).await?.into();
    }
    Ok(ok(&shown))
}

/// `GET /organizations/{org}/projects/`.
pub(crate) async fn projects(mut request: OrgRequest) -> ApiResult {
    let page = ListQuery::read(&request.raw)?;
    let query = request.raw.query("query").unwrap_or_default().to_owned();
    let (database, org) = (&mut request.database, request.org.id);
    let projects = match query.strip_prefix("slug:") {
        Some(slug) => database.project_by_slug(org, slug).await?.into_iter().collect(),
        None => database.projects(org, &query, page.rows()).await?,
    };
    let row = |stored| project(&request.principal, &request.org, stored);
    request.list_response(page, projects.iter().map(row))
}

/// `GET /projects/{org}/{project}/`.
pub(crate) async fn show_project(mut request: OrgRequest) -> ApiResult {
    let stored = find_project(&mut request).await?;
    let mut shown = project(&request.principal, &request.org, &stored);
    let settings: Object = serde_json::from_str(SETTINGS).unwrap_or_default();
    if let Some(shown) = shown.as_object_mut() {
        shown.extend(settings);
    }
    shown["organization"] = organization(&request.base(), &request.org);
    Ok(ok(&shown))
}

/// The project that the path names.
pub(crate) async fn find_project(request: &mut OrgRequest) -> Result<Project, ApiError> {
    let project = request.database.project(request.org.id, request.raw.param("project")).await?;
    project.ok_or_else(ApiError::not_found)
}

fn user(id: i64, name: &str) -> Value {
    json!({
        "id": id.to_string(),
        "name": name,
        "username": name,
        "email": "",
        "avatarUrl": null,
        "isActive": true,
        "hasPasswordAuth": false,
        "isManaged": false,
        "dateJoined": iso(0),
        "lastLogin": null,
        "has2fa": false,
        "lastActive": null,
        "isSuperuser": false,
        "isStaff": false,
        "experiments": {},
        "emails": [],
        "options": {},
        "flags": { "newsletter_consent_prompt": false },
        "avatar": avatar(),
        "identities": [],
    })
}

/// An organization as the published API has it; `organizationUrl` is where its pages are.
fn organization(base: &str, org: &Organization) -> Value {
    let url = Site::new(base).absolute_url(&org.slug, "", None, None);
    json!({
        "id": org.id.to_string(),
        "slug": org.slug,
        "status": { "id": "active", "name": "active" },
        "name": org.slug,
        "dateCreated": iso(org.created_at),
        "isEarlyAdopter": false,
        "require2FA": false,
        "requireEmailVerification": false,
        "avatar": avatar(),
        "features": [],
        "links": { "organizationUrl": url, "regionUrl": base },
        "hasAuthProvider": false,
        "allowMemberInvite": true,
        "allowMemberProjectCreation": true,
        "allowSuperuserAccess": true,
    })
}

/// A project as a listing has it; nothing here takes events, so all that they bring is false.
/// Every project belongs to the organization's one team, which has its slug.
fn project(principal: &Principal, org: &Organization, project: &Project) -> Value {
    let team = json!({ "id": org.id.to_string(), "slug": org.slug, "name": org.slug });
    let latest = project.latest_release.as_ref().map(|version| json!({ "version": version }));
    let mut shown = json!({
        "team": team,
        "teams": [team],
        "id": project.id.to_string(),
        "name": project.slug,
        "slug": project.slug,
        "isBookmarked": false,
        "isMember": true,
        "access": principal.scopes,
        "hasAccess": true,
        "dateCreated": iso(project.created_at),
        "environments": [],
        "eventProcessing": { "symbolicationDegraded": false },
        "features": ["releases"],
        "firstEvent": null,
        "platform": null,
        "platforms": [],
        "latestRelease": latest,
        "hasUserReports": false,
        "firstTransactionEvent": false,
    });
    for name in UNSUPPORTED_FEATURES.split(' ') {
        shown[name] = false.into();
    }
    shown
}

/// What the published API has of a project's events.
const UNSUPPORTED_FEATURES: &str = "\
    hasFeedbacks hasFlags hasInsightsAgentMonitoring hasInsightsAppStart hasInsightsAssets \
    hasInsightsCaches hasInsightsDb hasInsightsHttp hasInsightsMCP hasInsightsQueues \
    hasInsightsScreenLoad hasInsightsVitals hasLogs hasMinifiedStackTrace hasMonitors \
    hasNewFeedbacks hasProfiles hasReplays hasSessions hasTraceMetrics";

fn avatar() -> Value {
    json!({ "avatarType": "letter_avatar", "avatarUuid": null })
}
