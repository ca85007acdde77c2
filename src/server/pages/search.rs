//! Lists of thousands: a search, and one page of it at a time.

use crate::database::PageQuery;
use crate::server::http::RawRequest;
use maud::{Markup, html};
use url::form_urlencoded::Serializer;

/// How many rows a page shows.
const SIZE: i64 = 50;
/// The parameter of the search.
const QUERY: &str = "query";

/// Which page of a list is requested: the first where the query names no number.
pub(super) struct SearchList {
    /// What is searched for; empty for everything.
    pub(super) query: String,
    path: String,
    /// The parameter that names the page.
    name: &'static str,
    number: i64,
    others: Vec<(String, String)>,
}

impl SearchList {
    /// Reads the search, and the page by the parameter of this name.
    pub(super) fn read(raw: &RawRequest, name: &'static str) -> Self {
        let number = raw.query(name).and_then(|text| text.parse().ok());
        let others = raw.query.iter().filter(|(other, _)| other != name).cloned();
        Self {
            query: raw.query(QUERY).unwrap_or_default().trim().to_owned(),
            path: raw.path.clone(),
            name,
            number: number.filter(|number| *number > 0).unwrap_or(1),
            others: others.collect(),
        }
    }

    /// The rows to read: one more than is shown.
    pub(super) fn rows(&self) -> PageQuery {
        PageQuery { offset: (self.number - 1).saturating_mul(SIZE), rows: SIZE + 1 }
    }

    /// The rows without the one that is not shown; whether there was one.
    pub(super) fn cut<T>(mut rows: Vec<T>) -> (Vec<T>, bool) {
        let size = usize::try_from(SIZE).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        (rows, more)
    }

    /// The search, when the list is long enough to need one.
    pub(super) fn search(&self, label: &str) -> Markup {
        html! {
            form.search role="search" method="get" action=(self.path) {
                label for="query" { (label) }
                input #query type="search" name=(QUERY) value=(self.query) autocomplete="off";
                button type="submit" { "Search" }
            }
        }
    }

    /// Whether the list is neither searched nor turned over.
    pub(super) fn is_whole(&self) -> bool {
        self.query.is_empty() && self.number == 1
    }

    /// The ways to the pages before and after, when there are any.
    pub(super) fn pager(&self, label: &str, more: bool) -> Markup {
        html! {
            @if more || self.number > 1 {
                nav.pager aria-label=(label) {
                    @if self.number > 1 {
                        a rel="prev" href=(self.at(self.number - 1)) { "← Previous" }
                    }
                    span { "Page " (self.number) }
                    @if more { a rel="next" href=(self.at(self.number + 1)) { "Next →" } }
                }
            }
        }
    }

    fn at(&self, number: i64) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(&self.others).append_pair(self.name, &number.to_string());
        let fragment = if self.name == "page" { String::new() } else { format!("#{}", self.name) };
        format!("{}?{}{fragment}", self.path, query.finish())
    }
}
