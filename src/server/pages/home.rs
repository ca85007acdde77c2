//! The organizations, where everything begins.

use super::listing::Listing;
use super::{Look, frame, words};
use crate::backend::embedded::Counts;
use crate::server::errors::Answer;
use maud::{Markup, html};

/// `/`.
pub(super) async fn show(mut look: Look) -> Answer {
    let user = look.reader()?.user.unwrap_or_default();
    let listing = Listing::read(&look.asked, "page");
    let mut found = look.engine.organizations(user, &listing.query, listing.rows()).await?;
    let more = Listing::cut(&mut found);
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

fn row(slug: &str, counts: Counts) -> Markup {
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
pub(super) async fn organization(mut look: Look) -> Answer {
    let org = look.enter().await?;
    Ok(frame::redirect(&words::integrations(&org.slug)))
}
