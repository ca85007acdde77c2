//! The repository that an address leads to, in the forms that the forges give their addresses: what
//! a repository is cloned from, and its page.

use percent_encoding::percent_decode_str;

/// The path of the repository below its forge, as a job names it: `owner/name`, groups included;
/// at Bitbucket Server and Azure DevOps its project and its name.
pub(super) fn path(machine: &str, path: &str) -> Option<String> {
    let decoded = |segment: &str| percent_decode_str(segment).decode_utf8().ok().map(String::from);
    let segments: Vec<_> = path.trim_matches('/').split('/').map(decoded).collect::<Option<_>>()?;
    let texts: Vec<_> = segments.iter().map(String::as_str).collect();
    let known = azure(machine, &texts).or_else(|| bitbucket_server(&texts));
    let path = known.unwrap_or_else(|| above_page(machine, &texts).join("/"));
    Some(path.strip_suffix(".git").unwrap_or(&path).to_owned())
}

/// Azure DevOps and its servers: `PROJECT/_git/NAME`, below an organization or a collection;
/// `_git/NAME` where both are called the same; and over SSH `v3/ORGANIZATION/PROJECT/NAME`, in
/// earlier days `PROJECT/_ssh/NAME`.
fn azure(machine: &str, segments: &[&str]) -> Option<String> {
    let host = host(machine);
    let is_cloud_ssh = matches!(&*host, "ssh.dev.azure.com" | "vs-ssh.visualstudio.com");
    if let (true, ["v3", _, project, name]) = (is_cloud_ssh, segments) {
        return Some(format!("{project}/{name}"));
    }
    let marker = segments.iter().position(|one| matches!(*one, "_git" | "_ssh"))?;
    let name = segments.get(marker + 1)?;
    let above = if host == "dev.azure.com" { 1 } else { 0 };
    let project = segments[..marker].get(above..)?.last();
    let project = project.filter(|one| !one.eq_ignore_ascii_case("DefaultCollection"));
    Some(format!("{}/{name}", project.unwrap_or(name)))
}

/// Bitbucket Server, wherever it is mounted: `scm/PROJECT/NAME` over HTTP, and the page
/// `projects/PROJECT/repos/NAME/browse`, or `users/USER/repos/NAME` for a person's own.
fn bitbucket_server(segments: &[&str]) -> Option<String> {
    let of_page = segments.windows(4).find_map(|part| match part {
        ["projects", project, "repos", name] => Some(format!("{project}/{name}")),
        ["users", user, "repos", name] => Some(format!("~{user}/{name}")),
        _ => None,
    });
    // A group of another forge may be called `scm` as well, but its page has no such end.
    let of_clone = || match segments {
        [.., "scm", project, name] if name.ends_with(".git") => Some(format!("{project}/{name}")),
        _ => None,
    };
    of_page.or_else(of_clone)
}

/// What stands above a page of the repository, such as that of a branch: `/-/` at GitLab, and two names at the
/// forges that have no groups within groups.
fn above_page<'a, 'b>(machine: &str, segments: &'a [&'b str]) -> &'a [&'b str] {
    let page = match &*host(machine) {
        "github.com" | "bitbucket.org" => Some(2),
        _ => segments.iter().position(|segment| *segment == "-"),
    };
    page.and_then(|page| segments.get(..page)).unwrap_or(segments)
}

fn host(machine: &str) -> String {
    let host = machine.rsplit('@').next().and_then(|host| host.split(':').next());
    host.unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::super::repository_of_url;

    #[test]
    fn every_form_of_a_forges_address_gives_the_repository() {
        for (url, repository) in [
            ("https://bb.example.com/scm/PROJ/web.git", "PROJ/web"),
            ("https://bb.example.com/git/scm/~ada/web.git", "~ada/web"),
            ("ssh://git@bb.example.com:7999/PROJ/web.git", "PROJ/web"),
            ("ssh://git@bb.example.com:7999/~ada/web.git", "~ada/web"),
            ("https://bb.example.com/projects/PROJ/repos/web/browse", "PROJ/web"),
            ("https://example.com/bb/users/ada/repos/web", "~ada/web"),
            ("https://acme@dev.azure.com/acme/My%20Project/_git/My%20Web", "My Project/My Web"),
            ("https://dev.azure.com/acme/_git/web", "web/web"),
            ("git@ssh.dev.azure.com:v3/acme/My%20Project/My%20Web", "My Project/My Web"),
            ("acme@vs-ssh.visualstudio.com:v3/acme/Project/web", "Project/web"),
            ("ssh://acme@vs-ssh.visualstudio.com:22/Project/_ssh/web", "Project/web"),
            ("https://acme.visualstudio.com/Project/_git/web", "Project/web"),
            ("https://acme.visualstudio.com/DefaultCollection/Project/_git/web", "Project/web"),
            ("https://acme.visualstudio.com/DefaultCollection/_git/web", "web/web"),
            ("https://acme.visualstudio.com/_git/web", "web/web"),
            ("https://tfs.example.com/tfs/DefaultCollection/Project/_git/web", "Project/web"),
            ("ssh://tfs.example.com:22/tfs/DefaultCollection/Project/_git/web", "Project/web"),
            ("https://ghe.example.com/acme/web.git", "acme/web"),
            ("https://example.com/gitlab/group/sub/web.git", "gitlab/group/sub/web"),
            ("https://gitlab.example.com/scm/team/web", "scm/team/web"),
            (
                "https://gitlab.example.com/group/sub/web/-/tree/main?ref_type=heads",
                "group/sub/web",
            ),
            ("https://GitHub.com/acme/web/tree/feature/x", "acme/web"),
            ("https://bitbucket.org/acme/web/src/main/", "acme/web"),
            ("https://gitlab.example.com/v3/acme/project/web", "v3/acme/project/web"),
        ] {
            assert_eq!(repository_of_url(url).as_deref(), Some(repository), "{url}");
        }
    }

    #[test]
    fn what_is_left_of_credentials_or_leaves_the_path_is_no_repository() {
        for url in [
            "https://u:pa/ss@git.example/a/b",
            "https://git.example/a%40b/c",
            "https://git.example/a/%2e%2e/b",
            "https://git.example/a/b%0Ac",
        ] {
            assert_eq!(repository_of_url(url), None, "{url}");
        }
    }
}
