//! The settings page of one integration, which a run's `redirect-url` leads to.

use super::integrations::{provider_name, status};
use super::layout::PageTab;
use super::{PageRequest, components, urls};
use crate::database::{
    AuditEntry, InstalledIntegration, LinkedAccount, PageQuery, RepositoryFilter,
    StoredCodeMapping, StoredRepository,
};
use crate::server::http::{ApiError, ApiResult};
use maud::{Markup, html};
use serde_json::Value;

/// The most that one section shows.
const MAX_ROWS: i64 = 100;

/// Names in a configuration whose texts tell nobody anything that opens something. Every other
/// text is hidden: a new field is a secret until it stands here.
const VISIBLE_FIELDS: [&str; 6] =
    ["team", "id", "service", "service_name", "integration_id", "name"];

/// All that the page says.
struct IntegrationDetails {
    one: InstalledIntegration,
    linked_at: i64,
    account: Option<LinkedAccount>,
    repositories: Vec<StoredRepository>,
    mappings: Vec<StoredCodeMapping>,
    audit: Vec<AuditEntry>,
}

/// `/settings/{org}/integrations/{provider}/{id}/`.
pub(super) async fn show(mut request: PageRequest) -> ApiResult {
    let org = request.authorize().await?;
    let id = request.raw.id("id")?;
    let installed = request.database.integration(org.id, id).await?;
    let key = request.raw.param("provider").to_owned();
    let one = installed.filter(|one| one.integration_key == key).ok_or_else(ApiError::not_found)?;
    let shown = read(&mut request, org.id, one).await?;
    let next = request.raw.query("next").filter(|next| !next.is_empty());
    let content = html! {
        @if let Some(next) = next { (continue_link(next)) }
        (heading(&shown.one))
        (facts(&shown))
        (repositories(&shown.repositories))
        (mappings(&shown.mappings))
        (configuration(&shown.one))
        (audit(&shown.audit))
        p { a.button.second href=(urls::set_up(&org.slug, &key)) { "Set up again" } }
    };
    let org = Some((org.slug.as_str(), PageTab::Integrations));
    Ok(request.page_of(&shown.one.name, org, content))
}

async fn read(
    request: &mut PageRequest,
    org: i64,
    one: InstalledIntegration,
) -> Result<IntegrationDetails, ApiError> {
    let page = PageQuery { offset: 0, rows: MAX_ROWS };
    let (linked_at, account) = request.database.link_details(one.link).await?;
    let filter = RepositoryFilter { integration_id: Some(one.id), ..RepositoryFilter::default() };
    let repositories = request.database.repositories(org, &filter, page).await?;
    let mappings = request.database.code_mappings(org, Some(one.id), &[], page).await?;
    let audit = request.database.audit_log(org, one.id, page).await?;
    Ok(IntegrationDetails { one, linked_at, account, repositories, mappings, audit })
}

/// Where the person was going: never followed by itself, and named by its host.
fn continue_link(next: &str) -> Markup {
    html! {
        aside.next aria-label="Next page" {
            @match components::external_url(next) {
                Some(url) => {
                    p { "The integration is set up. The next page is on "
                        strong { (components::host(&url)) } "." }
                    p { a.button href=(url) rel="noopener noreferrer" { "Continue to " (components::host(&url)) } }
                },
                None => p { "The integration is set up. The next page is not a URL that can be linked to: "
                    code { bdi { (next.chars().take(500).collect::<String>()) } } },
            }
        }
    }
}

fn heading(one: &InstalledIntegration) -> Markup {
    let provider = provider_name(one);
    html! {
        header.heading {
            (components::tile(provider))
            div {
                h1 { bdi { (one.name) } }
                p.quiet { (provider) " · " (status(one)) }
            }
        }
    }
}

fn facts(shown: &IntegrationDetails) -> Markup {
    let fact = |name: &str| shown.one.metadata.get(name).and_then(Value::as_str);
    let first = shown.audit.last().map(|entry| entry.actor.as_str());
    html! {
        dl.facts {
            dt { "Account" } dd { code { bdi { (shown.one.external_id) } } }
            @if let Some(domain) = fact("domain_name") { dt { "Domain" } dd { bdi { (domain) } } }
            @if let Some(kind) = fact("account_type") { dt { "Kind" } dd { (kind) } }
            dt { "Linked" }
            dd { (components::time(shown.linked_at)) @if let Some(first) = first { " by " (first) } }
            @if let Some(account) = &shown.account {
                dt { "Acts as" }
                dd { code { bdi { (account.external_id) } } ", linked by " (account.user)
                     ", verified " (components::time(account.verified_at)) }
            }
            dt { "Id" } dd { (shown.one.id) }
        }
    }
}

fn repositories(all: &[StoredRepository]) -> Markup {
    html! {
        @if !all.is_empty() {
            h2 { "Repositories" }
            ul.lines {
                @for one in all {
                    li { bdi { (one.name) }
                         @if let Some(url) = &one.url { " " span.quiet { (components::external_link(url)) } } }
                }
            }
            (and_more(all.len()))
        }
    }
}

fn mappings(all: &[StoredCodeMapping]) -> Markup {
    html! {
        @if !all.is_empty() {
            h2 #mappings { "Code mappings" }
            div.scroll tabindex="0" role="region" aria-labelledby="mappings" {
                table {
                    thead { tr {
                        th scope="col" { "Project" } th scope="col" { "Stack trace root" }
                        th scope="col" { "Source code root" } th scope="col" { "Branch" }
                    } }
                    tbody { @for one in all { (mapping(one)) } }
                }
            }
            (and_more(all.len()))
        }
    }
}

fn mapping(StoredCodeMapping { mapping, .. }: &StoredCodeMapping) -> Markup {
    html! {
        tr {
            td { (mapping.project) }
            td { code { bdi { (mapping.stack_root) } } }
            td { bdi { (mapping.repository) } ": " code { bdi { (mapping.source_root) } } }
            td { (mapping.default_branch.as_deref().unwrap_or("")) }
        }
    }
}

fn configuration(one: &InstalledIntegration) -> Markup {
    html! {
        @if !one.config.is_empty() {
            h2 { "Configuration" }
            dl.facts {
                @for (name, value) in &one.config {
                    dt { (components::label(name)) }
                    dd { (value_cell(name, value)) }
                }
            }
        }
    }
}

/// A value as far as it may be seen.
fn value_cell(name: &str, value: &Value) -> Markup {
    match value {
        Value::Null => html! { span.quiet { "not set" } },
        Value::Bool(on) => html! { (if *on { "yes" } else { "no" }) },
        Value::Number(number) => html! { (number) },
        Value::String(text) if VISIBLE_FIELDS.contains(&name) => html! { bdi { (text) } },
        Value::String(_) => html! { span.hidden-value { "hidden" } },
        Value::Array(items) if items.is_empty() => html! { span.quiet { "none" } },
        Value::Array(items) => html! {
            ul.lines { @for item in items.iter().take(100) { li { (value_cell(name, item)) } } }
        },
        Value::Object(fields) => html! {
            dl.inline {
                @for (name, value) in fields {
                    div { dt { (components::label(name)) } dd { (value_cell(name, value)) } }
                }
            }
        },
    }
}

fn audit(entries: &[AuditEntry]) -> Markup {
    html! {
        @if !entries.is_empty() {
            h2 { "Audit log" }
            ol.lines {
                @for entry in entries {
                    li { (components::time(entry.created_at)) " " strong { (event_label(&entry.event)) }
                         " by " (entry.actor) " " code.quiet { (entry.event) } }
                }
            }
            (and_more(entries.len()))
        }
    }
}

/// Sentry's name of an event in words.
fn event_label(event: &str) -> &str {
    match event {
        "integration.add" => "Installed",
        "integration.edit" => "Changed",
        "integration.remove" => "Removed",
        other => other,
    }
}

fn and_more(count: usize) -> Markup {
    html! {
        @if i64::try_from(count) == Ok(MAX_ROWS) {
            p.quiet { "Showing the first " (MAX_ROWS) "; the API returns all of them." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_that_nobody_declared_harmless_is_hidden() {
        let config = json!([{ "team": "ops", "id": "1-ops", "integration_key": "s3cr3t",
                              "nested": { "token": "s3cr3t", "on": true, "size": 4 } }]);
        let shown = value_cell("team_table", &config).into_string();
        assert!(!shown.contains("s3cr3t"), "{shown}");
        for seen in ["ops", "1-ops", "hidden", "yes", ">4<"] {
            assert!(shown.contains(seen), "{seen}: {shown}");
        }
        assert!(!value_cell("unheard", &json!("s3cr3t")).into_string().contains("s3cr3t"));
    }
}
