//! The organizations, where everything begins.

use super::search::SearchList;
use super::{PageRequest, components, layout, urls};
use crate::database::OrganizationCounts;
use crate::server::http::ApiResult;
use maud::{Markup, html};

/// `/`.
pub(super) async fn show(mut request: PageRequest) -> ApiResult {
    let user = request.reader()?.user.unwrap_or_default();
    let listing = SearchList::read(&request.raw, "page");
    let stored = request.database.organizations(user, &listing.query, listing.rows()).await?;
    let (organizations, more) = SearchList::cut(stored);
    let mut rows = Vec::new();
    for org in organizations {
        let counts = request.database.counts(org.id).await?;
        rows.push(row(&org.slug, counts));
    }
    let content = html! {
        h1 { "Organizations" }
        @if rows.is_empty() && listing.is_whole() {
            (nothing())
        } @else {
            @if more || !listing.is_whole() { (listing.search("Search organizations")) }
            @if rows.is_empty() { p.quiet { "No organizations match." } }
            ul.cards { @for row in &rows { (row) } }
            (listing.pager("Pages of organizations", more))
        }
    };
    Ok(request.page("Organizations", content))
}

fn row(slug: &str, counts: OrganizationCounts) -> Markup {
    html! {
        li.card {
            (components::tile(slug))
            div {
                h2 { a href=(urls::integrations(slug)) { (slug) } }
                p.quiet {
                    a href=(urls::integrations(slug)) { (components::count(counts.integrations, "integration")) }
                    " · "
                    a href=(urls::releases(slug)) { (components::count(counts.releases, "release")) }
                }
            }
        }
    }
}

fn nothing() -> Markup {
    html! {
        section.nothing {
            (components::drawing(components::EMPTY))
            p { "There are no organizations yet. The first run creates one:" }
            pre { code { "finishline run --org acme --provider example --set name=demo" } }
        }
    }
}

/// `/organizations/{org}/`: its integrations.
pub(super) async fn organization(mut request: PageRequest) -> ApiResult {
    let org = request.authorize().await?;
    Ok(layout::redirect(&urls::integrations(&org.slug)))
}
