//! Which of the repositories that a backend lists is the one that a job names: by its address first,
//! by what it is called there last, since a display name may be anything.

use super::backend::KnownRepository;
use crate::job;

/// What a listing says of one repository.
#[derive(Debug)]
pub(crate) enum RepositoryMatch {
    /// It is not in the listing.
    Unlisted,
    /// It is this one.
    Found {
        /// Its name at the backend.
        name: String,
        /// Whether its address says so, and not its display name alone.
        by_address: bool,
        /// Whether its commits can be fetched.
        is_fetched: bool,
    },
    /// Several match equally well: their names and addresses.
    Ambiguous(Vec<String>),
}

/// What tells that a repository is the one that is named, the surest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum MatchRank {
    /// The job's own page lies below its address.
    Page,
    /// The path of its address.
    Address,
    /// The third party's own name for it.
    Slug,
    /// The end of that path: the server is mounted below a path, or the job names no project.
    AddressEnd,
    /// What it is called at the backend.
    DisplayName,
}

/// Looks the repository called `requested` up in a listing; `page` is the job's own page.
pub(crate) fn find(
    listed: &[KnownRepository],
    requested: &str,
    page: Option<&str>,
) -> RepositoryMatch {
    let requested = plain(requested);
    let linked = listed.iter().filter(|one| one.is_linked);
    let ranked = linked.filter_map(|one| Some((rank(one, &requested, page)?, one)));
    let ranked: Vec<_> = ranked.collect();
    let Some(best) = ranked.iter().map(|(rank, _)| *rank).min() else {
        return RepositoryMatch::Unlisted;
    };
    let mut matching: Vec<_> = ranked.iter().filter(|(rank, _)| *rank == best).collect();
    // Of those at one address, and of names alone, the one that is spelled so in every letter is meant.
    let is_spelled_so = |one: &KnownRepository| plain(&one.name) == requested;
    let is_at_one_address = matching.windows(2).all(|pair| has_same_address(pair[0].1, pair[1].1));
    if is_at_one_address && matching.iter().any(|(_, one)| is_spelled_so(one)) {
        matching.retain(|(_, one)| is_spelled_so(one));
    }
    match matching[..] {
        [(_, one)] => RepositoryMatch::Found {
            name: one.name.clone(),
            by_address: best != MatchRank::DisplayName,
            is_fetched: one.is_fetched,
        },
        _ => RepositoryMatch::Ambiguous(matching.iter().map(|(_, one)| describe(one)).collect()),
    }
}

fn rank(listed: &KnownRepository, requested: &str, page: Option<&str>) -> Option<MatchRank> {
    let path = listed.url.as_deref().and_then(job::repository_of_url);
    let is = |known: &str| job::same_repository(known, requested);
    let ends = path.as_deref().is_some_and(|path| is(path) || ends_with(path, requested));
    if ends && page.zip(listed.url.as_deref()).is_some_and(|(page, url)| is_below(page, url)) {
        return Some(MatchRank::Page);
    }
    if path.as_deref().is_some_and(is) {
        return Some(MatchRank::Address);
    }
    if listed.slug.as_deref().is_some_and(|slug| is(&plain(slug))) {
        return Some(MatchRank::Slug);
    }
    // Only Azure's jobs name a repository without its project. Another forge's `team/web` is not
    // `acme/team/web`, and with a page it would have been told by that.
    let is_azure = listed.url.as_deref().is_some_and(|url| url.contains("/_git/"));
    let may_end = if requested.contains('/') { page.is_none() } else { is_azure };
    if ends && may_end {
        return Some(MatchRank::AddressEnd);
    }
    is(&plain(&listed.name)).then_some(MatchRank::DisplayName)
}

fn has_same_address(one: &KnownRepository, other: &KnownRepository) -> bool {
    match (&one.url, &other.url) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Whether a page lies below an address.
fn is_below(page: &str, address: &str) -> bool {
    let address = address.trim_end_matches('/');
    let start = page.get(..address.len()).unwrap_or_default();
    start.eq_ignore_ascii_case(address) && page[address.len()..].starts_with('/')
}

/// Whether a path ends with these segments.
fn ends_with(path: &str, end: &str) -> bool {
    let start = path.len().checked_sub(end.len() + 1);
    let rest = start.and_then(|start| path.get(start..));
    rest.and_then(|rest| rest.strip_prefix('/')).is_some_and(|rest| job::same_repository(rest, end))
}

/// A name without the blanks around its slashes, as GitLab writes them.
fn plain(name: &str) -> String {
    name.split('/').map(str::trim).collect::<Vec<_>>().join("/").trim_matches('/').to_owned()
}

fn describe(one: &KnownRepository) -> String {
    match &one.url {
        Some(url) => format!("{} ({url})", one.name),
        None => one.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(name: &str, url: &str, slug: &str) -> KnownRepository {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (name, url, slug) = (name.to_owned(), some(url), some(slug));
        KnownRepository { name, url, slug, is_linked: true, is_fetched: true }
    }

    /// The name of the one that is found, or how many match equally.
    fn found(listed: &[KnownRepository], requested: &str, page: Option<&str>) -> String {
        match find(listed, requested, page) {
            RepositoryMatch::Found { name, .. } => name,
            RepositoryMatch::Ambiguous(matching) => matching.len().to_string(),
            RepositoryMatch::Unlisted => "none".to_owned(),
        }
    }

    #[test]
    fn an_address_goes_before_a_display_name() {
        let misleading = repository("acme / web", "https://forge.example/other/thing", "");
        for (right, rank) in [
            (repository("Shop", "https://gitlab.example/acme/web", ""), true),
            (repository("Shop", "https://gitlab.example/acme/web.git", ""), true),
            (repository("Shop", "", "Acme/Web"), true),
            (repository("acme/website", "https://github.com/acme/website", ""), false),
        ] {
            let expected = if rank { right.name.clone() } else { "acme / web".to_owned() };
            let listed = [misleading.clone(), right];
            assert_eq!(found(&listed, "acme/web", None), expected, "{listed:?}");
        }
        let other = repository("web", "https://gitlab.example/other/web", "42");
        assert_eq!(found(&[other], "acme/web", None), "none");
        let unlinked = KnownRepository { is_linked: false, ..misleading };
        assert_eq!(found(&[unlinked], "acme/web", None), "none");
    }

    #[test]
    fn the_jobs_own_page_decides_between_forges() {
        let listed = [
            repository("a", "https://github.com/acme/web", ""),
            repository("b", "https://ghe.example.com/acme/web", ""),
            repository("c", "https://example.com/gitlab/acme/web", ""),
        ];
        let page = |page: &str| found(&listed, "acme/web", Some(page));
        assert_eq!(page("https://github.com/acme/web/actions/runs/7"), "a");
        assert_eq!(page("https://ghe.example.com/Acme/Web/actions/runs/7"), "b");
        assert_eq!(page("https://example.com/gitlab/acme/web/-/jobs/7"), "c");
        assert_eq!(page("https://jenkins.example.com/job/web/7/"), "2");
        assert_eq!(page("https://github.com/acme/website/actions/runs/7"), "2");
        assert_eq!(found(&listed[2..], "acme/web", None), "c");
        assert_eq!(found(&listed[2..], "acme/web", Some("https://ci.example/7")), "none");
    }

    #[test]
    fn only_azure_names_a_repository_without_its_project() {
        let azure = repository("x", "https://dev.azure.com/acme/My%20Project/_git/My%20Web", "");
        let forge = repository("y", "https://github.com/acme/my-web", "");
        assert_eq!(found(&[azure.clone(), forge.clone()], "My Web", None), "x");
        assert_eq!(found(std::slice::from_ref(&forge), "my-web", None), "none");
        let twin = repository("z", "https://dev.azure.com/acme/Other/_git/My%20Web", "");
        assert_eq!(found(&[azure, twin, forge], "My Web", None), "2");
    }
}
