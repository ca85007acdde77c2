//! What compilers and minifiers write in a form of their own does not make a map that of another script.

use crate::support::build_folder::{identity_map, sourcemaps, write};
use crate::support::run::ProgramRun;

const LINES: usize = 40;

/// Numbered lines of a form, in which `#` stands for the number.
fn lines(form: &str) -> String {
    (1..=LINES).map(|at| form.replace('#', &at.to_string()) + "\n").collect()
}

/// A run over a script whose lines are of one form, and come from lines of another.
fn built(script: &str, source: &str) -> ProgramRun {
    let run = sourcemaps();
    write(&run, "dist/a.js", format!("{}//# sourceMappingURL=a.js.map\n", lines(script)));
    write(&run, "dist/a.js.map", identity_map("../src/a.ts", &lines(source)));
    run
}

#[test]
fn a_compilers_statement_around_a_word_is_no_other_word() {
    for (script, source) in [
        ("ErrorCode[ErrorCode[\"M#\"] = #] = \"M#\";", "M# = #,"),
        ("ErrorCode[\"M#\"] = \"m#\";", "M# = 'm#',"),
        (
            "Object.defineProperty(exports, \"v#\", { enumerable: true, get: function () { return vals_1.v#; } });",
            "v#,",
        ),
        ("module_1.start#()", "start#()"),
        ("react_1.default.start#()", "React.start#()"),
    ] {
        let ended = built(script, source).execute().expect(0);
        assert!(!ended.stderr.contains("does not fit"), "{script}: {}", ended.stderr);
    }
}

#[test]
fn a_statement_around_another_word_is_of_another_script() {
    for (script, source) in [
        ("ErrorCode[ErrorCode[\"M#\"] = #] = \"M#\";", "Other# = #,"),
        ("module_1.start#()", "finish#()"),
    ] {
        let ended = built(script, source).execute().expect(2);
        assert!(ended.stderr.contains("is not of this script"), "{}", ended.stderr);
    }
}

#[test]
fn numbers_are_compared_by_their_value_and_not_by_their_digits() {
    for (script, source, is_right) in [
        ("#1e3,", "#1000,", true),
        ("#1e3,", "#1_000,", true),
        ("4660,", "0x1234,", true),
        ("4660n,", "0x1234n,", true),
        ("#1e3,", "#2000,", false),
        ("#1e3,", "#0 * 100 + 60 * 1000,", true),
        ("#1e3,", "Limits.of#,", true),
    ] {
        let exit = if is_right { 0 } else { 2 };
        built(script, source).execute().expect(exit);
    }
}
