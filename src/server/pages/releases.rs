//! The releases of an organization, newest first.

use super::layout::PageTab;
use super::search::SearchList;
use super::{PageRequest, components, urls};
use crate::database::{ReleaseFilter, StoredRelease};
use crate::release::ExistingDeploy;
use crate::server::http::ApiResult;
use maud::{Markup, html};

/// `/organizations/{org}/releases/`.
pub(super) async fn list(mut request: PageRequest) -> ApiResult {
    let org = request.authorize().await?;
    let listing = SearchList::read(&request.raw, "page");
    let query = Some(listing.query.clone()).filter(|query| !query.is_empty());
    let filter = ReleaseFilter { query, ..ReleaseFilter::default() };
    let stored = request.database.releases(org.id, &filter, listing.rows()).await?;
    let (releases, more) = SearchList::cut(stored);
    let mut rows = Vec::new();
    for release in &releases {
        let last_deploy = request.database.last_deploy(release.id).await?;
        rows.push(row(&org.slug, release, last_deploy.as_ref()));
    }
    let content = html! {
        h1 { "Releases" }
        @if rows.is_empty() && listing.is_whole() {
            (nothing(&org.slug))
        } @else {
            @if more || !listing.is_whole() || rows.len() > 5 {
                (listing.search("Search versions"))
            }
            @if rows.is_empty() { p.quiet { "No versions match." } }
            ul.rows { @for row in &rows { (row) } }
            (listing.pager("Pages of releases", more))
        }
    };
    Ok(request.page_of("Releases", Some((&org.slug, PageTab::Releases)), content))
}

fn row(org: &str, release: &StoredRelease, last_deploy: Option<&ExistingDeploy>) -> Markup {
    html! {
        li {
            h2 { a href=(urls::release(org, &release.version)) { bdi { (release.version) } } }
            p.quiet {
                (components::time(release.date_released.unwrap_or(release.created_at)))
                " · " (components::count(release.commit_count, "commit"))
                @if let Some(last) = last_deploy { " · in " span.environment { (last.deploy.environment) } }
            }
            (status(release))
        }
    }
}

/// Whether it is out, as a word and a color.
pub(super) fn status(release: &StoredRelease) -> Markup {
    let (class, word) = match (release.status.as_str(), release.date_released) {
        ("open", Some(_)) => ("good", "Released"),
        ("open", None) => ("waits", "Not finalized"),
        _ => ("waits", "Archived"),
    };
    html! { span class=(format!("status {class}")) { (word) } }
}

fn nothing(org: &str) -> Markup {
    html! {
        section.nothing {
            (components::drawing(components::EMPTY))
            p { "There are no releases for " strong { (org) } " yet. In a git checkout, this command creates one:" }
            pre { code { "finishline run --org " (org) " --projects web --release web@1.0.0 --environment production" } }
        }
    }
}
