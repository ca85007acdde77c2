//! The address of a remote without what it holds of secrets.

/// Takes the credentials out of a remote's address. `None` where an `@` is left that may end a
/// password with a slash in it.
pub(super) fn without_credentials(url: &str) -> Option<String> {
    let Some((scheme, rest)) = url.split_once("://") else { return short(url) };
    // Some tokens are given as a parameter.
    let rest = rest.split(['?', '#']).next()?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let machine = authority.rsplit('@').next()?;
    (!path.contains('@')).then(|| format!("{scheme}://{machine}{path}"))
}

/// Git's short form `user@machine:path`, or a folder. The user is none of a secret.
fn short(url: &str) -> Option<String> {
    match url.rsplit_once('@') {
        Some((user, rest)) if user.contains([':', '@']) => {
            (!rest.is_empty()).then(|| rest.to_owned())
        }
        _ => Some(url.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_left_out_and_the_rest_stays() {
        for (url, told) in [
            ("https://github.com/acme/widget.git", "https://github.com/acme/widget.git"),
            ("https://t0ken@github.com/acme/widget", "https://github.com/acme/widget"),
            ("https://u:p@ss@git.example:8443/a/b", "https://git.example:8443/a/b"),
            ("https://git.example/a/b?private_token=t0ken", "https://git.example/a/b"),
            ("ssh://git@git.example:2222/a/b.git", "ssh://git.example:2222/a/b.git"),
            ("git@github.com:acme/widget.git", "git@github.com:acme/widget.git"),
            ("git:t0ken@github.com:acme/widget.git", "github.com:acme/widget.git"),
            ("/srv/git/widget.git", "/srv/git/widget.git"),
            ("file:///srv/git/widget.git", "file:///srv/git/widget.git"),
            ("https://git.example", "https://git.example"),
        ] {
            assert_eq!(without_credentials(url).as_deref(), Some(told), "{url}");
        }
    }

    #[test]
    fn an_address_whose_credentials_cannot_be_told_apart_is_none() {
        for url in ["https://u:pa/ss@git.example/a/b", "https://git.example/a@b", "u:p@"] {
            assert_eq!(without_credentials(url), None, "{url}");
        }
    }
}
