//! Files whose changes are too large to be kept until they are written.

use crate::support::build_folder::{identity_map, snapshot, sourcemaps, write, write_script};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[test]
fn they_are_written_as_they_were_proven() {
    let run = sourcemaps();
    let text: String = (0..200).map(|at| format!("export const number{at} = {at};\n")).collect();
    let map = identity_map("../src/numbers.ts", &text);
    let inline = format!("data:application/json;base64,{}", STANDARD.encode(&map));
    assert!(inline.len() > 8192);
    write(&run, "dist/inline.js", format!("{text}//# sourceMappingURL={inline}\n"));
    // A map that counts the byte order mark is written anew as a whole.
    write(&run, "dist/mark.js", format!("\u{feff}{text}//# sourceMappingURL=mark.js.map\n"));
    write(&run, "dist/mark.js.map", map.replace("\"AAAA;", "\"CAAA;"));
    write_script(&run, "dist/small.js");
    run.execute().expect(0);
    for frame in ["inline.js:101:14", "mark.js:101:14", "small.js:3:3"] {
        let words = ["sourcemaps", "explain", frame, "--sourcemaps", "dist"];
        let line = if frame.starts_with("small") { "small.ts:2:1" } else { "numbers.ts:100:1" };
        let explained = run.clone().args(&words).execute().expect(0);
        assert!(explained.stdout.contains(&format!("→ ../src/{line}")), "{}", explained.stdout);
    }
    let files = snapshot(&run.path("dist"));
    run.execute().expect(0);
    assert_eq!(snapshot(&run.path("dist")), files);
}
