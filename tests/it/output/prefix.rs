//! The names of outputs where they are variables: two steps of one pipeline can both be read.

use crate::support::run::ProgramRun;
use crate::support::runner_parser;

#[test]
fn a_prefix_names_the_outputs_that_are_variables() {
    let run = ProgramRun::gitlab().opsgenie().var("FINISHLINE_OUTPUT_PREFIX", "WEB_");
    run.execute().expect(0);
    let variables = runner_parser::inherited(&run.text("finishline.env"));
    assert_eq!(variables["WEB_STATUS"], "complete");
    assert!(variables.keys().all(|name| name.starts_with("WEB_")), "{:?}", variables.keys());
    let run = ProgramRun::local().var("CIRCLECI", "true").opsgenie();
    let file = run.file("bash-env", "");
    run.clone().var("BASH_ENV", file).args(&["run", "--output-prefix", "API_"]).execute().expect(0);
    assert!(run.text("bash-env").contains("export API_STATUS='complete'"));
    assert!(!run.text("bash-env").contains("FINISHLINE_OUT_"));
}

#[test]
fn a_prefix_is_the_beginning_of_a_variables_name() {
    for prefix in ["WEB-", "1WEB", "W B", "A=1;B"] {
        let run = ProgramRun::gitlab().opsgenie().var("FINISHLINE_OUTPUT_PREFIX", prefix);
        let ended = run.execute().expect(2);
        assert!(ended.stderr.contains("expected the beginning of a variable's name"), "{prefix}");
        assert!(run.text("finishline.env").contains("FINISHLINE_OUT_STATUS=error"));
    }
}
