//! A vendor's link for somebody with several organizations, and what the log says of a set-up that
//! goes no further.

use super::browser::Browser;
use crate::support::serve::{ServeProcess, TOKEN};

fn integrations(serve: &ServeProcess) -> i64 {
    let sql = "SELECT count(*) FROM organization_integration";
    serve.database().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_person_with_two_organizations_chooses_one_and_the_links_query_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let serve = ServeProcess::over(folder, &["--org", "acme", "--org", "b"], Some(TOKEN));
    let query = "name=a%26b&next=https%3A%2F%2Fexample.com%2F%3Fa%3D1";
    let link = format!("/extensions/example/configure/?{query}");
    let choice = format!("/extensions/example/link/?{query}");
    let sent = Browser::new(&serve).get(&choice);
    assert!(sent.header("location").starts_with("/auth/login/?next="), "signed in first");
    let mut browser = Browser::of(&serve, TOKEN);
    assert_eq!(browser.get(&link).header("location"), choice);
    let page = browser.get(&choice);
    assert_eq!((page.status, page.header("set-cookie"), integrations(&serve)), (200, "", 0));
    for (before, org) in ["acme", "b"].into_iter().enumerate() {
        let chosen = format!("{link}&orgSlug={org}");
        assert!(page.text.contains(&format!("href=\"{}\"", chosen.replace('&', "&amp;"))));
        let offer = browser.get(&chosen);
        assert_eq!((offer.status, offer.header("set-cookie")), (200, ""));
        assert_eq!(integrations(&serve), before as i64, "not before the click");
        assert!(offer.text.contains(&format!("Connect Example to {org}?")), "{}", offer.text);
        let done = browser.submit(&offer, &chosen, "");
        assert!(done.header("location").contains(&format!("/settings/{org}/")));
    }
    // Only where the person may.
    let mut member = Browser::of(&serve, &serve.token("member", "org:read org:admin"));
    let none = member.get(&choice);
    assert_eq!(none.status, 200);
    assert!(none.text.contains("You cannot set up integrations"), "{}", none.text);
    assert_eq!(browser.get("/extensions/nothing/link/").status, 404);
}
