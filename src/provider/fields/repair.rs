//! What people paste instead of a value: repaired where it can only mean one thing, refused with the
//! reason where not, before a person approves anything.

use crate::model::Fields;
use crate::text::url::host;
use percent_encoding::percent_decode_str;
use url::Url;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

const WITH_PASSPHRASE: &str = "a key with a passphrase: decrypt it by `openssl rsa -in FILE`";

/// What is no private key that can be used, by the words of its first line, and what it is.
const WRONG_KEYS: [(&str, &str); 7] = [
    ("CERTIFICATE", "a certificate, not its private key"),
    ("PUBLIC KEY", "a public key"),
    ("OPENSSH", "a key in OpenSSH's format: convert it by `ssh-keygen -p -m PEM -f FILE`"),
    ("ENCRYPTED", WITH_PASSPHRASE),
    ("EC PRIVATE", "an elliptic curve key: an RSA key is needed"),
    ("DSA PRIVATE", "a DSA key: an RSA key is needed"),
    ("PGP", "a PGP key"),
];

/// A private key with its line ends, which a variable or a form may have lost or spelled out.
pub(crate) fn private_key(text: &str, _: &Fields) -> Result<String, &'static str> {
    let text = text.trim().trim_matches(['"', '\'']);
    let text = text.replace("\\r", "").replace("\\n", "\n");
    let text = text.trim();
    let first = text.strip_prefix(BEGIN).and_then(|rest| rest.split("-----").next());
    let Some(label) = first else { return Ok(text.to_owned()) };
    if let Some((_, what)) = WRONG_KEYS.iter().find(|(word, _)| label.contains(word)) {
        return Err(what);
    }
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(WITH_PASSPHRASE);
    }
    let end = format!("{END}{label}-----");
    let body = text[BEGIN.len() + label.len() + 5..].split_once(&end);
    let Some((body, _)) = body else {
        return Err("a key whose last line is missing or of another kind");
    };
    // Several lines are as they were written.
    if body.trim().contains('\n') {
        return Ok(text.to_owned());
    }
    let lines: Vec<_> = body.split_whitespace().collect();
    Ok(format!("{BEGIN}{label}-----\n{}\n{end}\n", lines.join("\n")))
}

/// A group's path, out of what the browser's address bar or a clone's address shows.
pub(crate) fn group_path(text: &str, fields: &Fields) -> Result<String, &'static str> {
    let text = text.trim();
    let text = percent_decode_str(text).decode_utf8().map_err(|_| "a text in another encoding")?;
    let instance = fields.text("url");
    let path = match Url::parse(&text) {
        Ok(page) if page.has_host() && page.scheme() != "ssh" => {
            if host(page.as_str()) != host(instance) {
                return Err("a URL of another host than `url`");
            }
            below(page.path(), instance).to_owned()
        }
        _ => without_host(&text, &host(instance)).to_owned(),
    };
    let path = path.trim_matches('/');
    let of_group = path.strip_prefix("groups/").map(|path| path.trim_start_matches('/'));
    let (path, page) = match of_group.unwrap_or(path).split_once("/-") {
        Some((path, page)) if page.is_empty() || page.starts_with('/') => (path, true),
        _ => (of_group.unwrap_or(path), false),
    };
    if (page && of_group.is_none()) || path.ends_with(".git") {
        return Err("the address of a project: give the path of its group");
    }
    let fits = |part: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        !part.is_empty() && part.chars().all(is_plain)
    };
    match path.is_empty() || path.split('/').all(fits) {
        true => Ok(path.to_owned()),
        false => Err("no path: give the one in the group's URL, not its name"),
    }
}

/// The path below that of the instance, which may have one.
fn below<'a>(path: &'a str, instance: &str) -> &'a str {
    let base = Url::parse(instance).map(|url| url.path().trim_end_matches('/').to_owned());
    let rest = base.ok().and_then(|base| path.strip_prefix(base.as_str()));
    rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// The same without the host, where one stands there without a scheme.
fn without_host<'a>(text: &'a str, host: &str) -> &'a str {
    let rest = text.strip_prefix(host).filter(|rest| !host.is_empty() && rest.starts_with('/'));
    rest.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(text: &str) -> Result<String, &'static str> {
        let mut fields = Fields::default();
        fields.set("url", "https://git.example.com:8443/lab/");
        group_path(text, &fields)
    }

    #[test]
    fn a_group_is_found_in_whatever_names_it() {
        for text in [
            "acme/sub.group",
            "/acme/sub.group/",
            " acme/sub.group\n",
            "groups/acme/sub.group",
            "acme%2Fsub.group",
            "git.example.com:8443/acme/sub.group",
            "https://git.example.com:8443/lab/acme/sub.group",
            "https://git.example.com:8443/lab/groups/acme/sub.group/-/group_members?sort=name#x",
            "https://git.example.com:8443/groups/acme/sub.group/-",
        ] {
            assert_eq!(group(text), Ok("acme/sub.group".to_owned()), "{text}");
        }
        assert_eq!(group("42"), Ok("42".to_owned()));
        assert_eq!(group("/"), Ok(String::new()), "the whole instance");
        assert_eq!(group("groups-of-acme"), Ok("groups-of-acme".to_owned()));
        assert_eq!(group("acme/-x"), Ok("acme/-x".to_owned()));
    }

    #[test]
    fn what_is_no_group_is_refused_with_the_reason() {
        for (text, words) in [
            ("https://git.example.com:8443/lab/acme/web/-/tree/main", "of a project"),
            ("https://git.example.com:8443/lab/acme/web.git", "of a project"),
            ("git@git.example.com:acme/web.git", "of a project"),
            ("ssh://git@git.example.com/acme/web.git", "of a project"),
            ("https://git.example.com/acme", "another host"),
            ("https://gitlab.com/acme", "another host"),
            ("Acme Inc / Web", "not its name"),
            ("acme//web", "not its name"),
            ("%ff", "encoding"),
        ] {
            assert!(group(text).is_err_and(|why| why.contains(words)), "{text}: {:?}", group(text));
        }
    }

    #[test]
    fn a_key_gets_its_line_ends_back() {
        let whole = "-----BEGIN RSA PRIVATE KEY-----\nQUJD\nREVG\n-----END RSA PRIVATE KEY-----";
        for spelled in [
            whole.replace('\n', "\\n"),
            whole.replace('\n', "\\r\\n"),
            whole.replace('\n', " "),
            format!("\"{}\\n\"", whole.replace('\n', "\\n")),
            format!(" {whole}\n"),
        ] {
            let read = private_key(&spelled, &Fields::default()).unwrap();
            assert_eq!(read.trim(), whole, "{spelled}");
        }
    }

    #[test]
    fn another_kind_of_pem_is_named() {
        let pem = |label: &str| format!("-----BEGIN {label}-----\\nQUJD\\n-----END {label}-----");
        let read = |text: &str| private_key(text, &Fields::default());
        for (label, words) in [
            ("CERTIFICATE", "a certificate"),
            ("CERTIFICATE REQUEST", "a certificate"),
            ("RSA PUBLIC KEY", "a public key"),
            ("OPENSSH PRIVATE KEY", "ssh-keygen"),
            ("ENCRYPTED PRIVATE KEY", "a passphrase"),
            ("EC PRIVATE KEY", "an RSA key is needed"),
        ] {
            assert!(read(&pem(label)).is_err_and(|why| why.contains(words)), "{label}");
        }
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nQ\n-----END RSA PRIVATE KEY-----";
        assert!(read(old).is_err_and(|why| why.contains("passphrase")));
        assert!(
            read(&pem("PRIVATE KEY").replace("-----END", ""))
                .is_err_and(|why| why.contains("last line"))
        );
    }
}
