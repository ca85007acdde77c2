//! The organizations, where everything begins.

use super::listing::SearchList;
use super::{PageRequest, frame, words};
use crate::backend::embedded::OrganizationCounts;
use crate::server::errors::ApiResult;
use maud::{Markup, html};

/// `/`.
pub(super) async fn show(mut look: PageRequest) -> ApiResult {
    let user = look.principal()?.user.unwrap_or_default();
    let listing = SearchList::read(&look.asked, "page");
    let mut found = look.engine.organizations(user, &listing.query, listing.rows()).await?;
    let more = SearchList::cut(&mut found);
    let mut rows = Vec::new();
    for org in found {
        let counts = look.engine.counts(org.id).await?;
        rows.push(row(&org.slug, counts));
    }
    let content = html! {
        h1 { "Organizations" }
        @if rows.is_empty() && listing.is_whole() {
            (nothing())
        } @else {
            @if more || !listing.is_whole() { (listing.search("Search organizations")) }
            @if rows.is_empty() { p.quiet { "No organization fits." } }
            ul.cards { @for row in &rows { (row) } }
            (listing.pager("Pages of organizations", more))
        }
    };
    Ok(look.page("Organizations", content))
}

fn row(slug: &str, counts: OrganizationCounts) -> Markup {
    html! {
        li.card {
            (words::tile(slug))
            div {
                h2 { a href=(words::integrations(slug)) { (slug) } }
                p.quiet {
                    a href=(words::integrations(slug)) { (words::count(counts.integrations, "integration")) }
                    " · "
                    a href=(words::releases(slug)) { (words::count(counts.releases, "release")) }
                }
            }
        }
    }
}

fn nothing() -> Markup {
    html! {
        section.nothing {
            (words::drawing(words::EMPTY))
            p { "There is no organization yet. The first run makes one:" }
            pre { code { "finishline run --org acme --provider example --set name=demo" } }
        }
    }
}

/// `/organizations/{org}/`: its integrations.
pub(super) async fn organization(mut look: PageRequest) -> ApiResult {
    let org = look.authorize().await?;
    Ok(frame::redirect(&words::integrations(&org.slug)))
}
