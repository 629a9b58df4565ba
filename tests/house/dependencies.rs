//! Who may depend on whom: `schemas ← stage ← {ingest, enrich, notify, audit} ← idtrail`, and `outside/*` on `schemas`.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{files, hold};

const SERVICES: [&str; 4] = ["ingest", "enrich", "notify", "audit"];
const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Names of our crates with their folders, as the workspace lists them.
type Ours = BTreeMap<String, String>;

#[test]
fn crates_depend_only_as_the_layout_says() {
    let workspace = table(&files::read("Cargo.toml"));
    let ours = ours(&workspace);
    let mut folders = members(&workspace);
    folders.push(String::new());
    hold(
        folders
            .iter()
            .flat_map(|folder| strangers(folder, &manifest(folder), &ours)),
    );
}

#[test]
fn every_dependency_of_the_workspace_is_used() {
    let workspace = files::read("Cargo.toml");
    let mut folders = members(&table(&workspace));
    folders.push(String::new());
    let files = files::all();
    let crates: Vec<(Table, String)> = folders
        .iter()
        .map(|folder| {
            let code = files.iter().filter(|file| {
                file.is_rust() && !file.is_rule() && crate_of(&file.path, &folders) == folder
            });
            (
                manifest(folder),
                code.map(|file| file.text.as_str())
                    .collect::<Vec<_>>()
                    .join("\n"),
            )
        })
        .collect();
    hold(unused(&table(&workspace), &crates));
}

/// Which of ours the crate in `folder` depends on and must not.
fn strangers(folder: &str, manifest: &Table, ours: &Ours) -> Vec<String> {
    let label = if folder.is_empty() {
        "the root package"
    } else {
        folder
    };
    let mut faults = Vec::new();
    for (name, value) in dependencies(manifest) {
        if value.get("workspace").and_then(Value::as_bool) != Some(true) {
            faults.push(format!("{label} has its own `{name}`: list it for the workspace, and write `{name}.workspace = true`"));
        }
        let Some(other) = ours.get(&name) else {
            continue;
        };
        match may_use(folder, other) {
            Some(true) => {}
            Some(false) => faults.push(format!(
                "{label} depends on {other}: services meet only in topics, outside systems know only schemas (and \
                 directory's trait), and the machine knows no service; move what it needs to where both may look"
            )),
            None => faults.push(format!("{label} has no place in the layout: give it one in tests/house/dependencies.rs")),
        }
    }
    faults
}

/// Whether the layout lets one crate use another; none where it has no place for the first.
fn may_use(folder: &str, other: &str) -> Option<bool> {
    let outside = |folder: &str| folder.starts_with("outside/");
    Some(match folder {
        // The binary, and what measures it, see everything.
        "" | "bench" => true,
        "schemas" => false,
        "stage" => other == "schemas",
        _ if outside(folder) => ["schemas", "outside/directory"].contains(&other),
        _ if SERVICES.contains(&folder) => ["schemas", "stage"].contains(&other) || outside(other),
        _ => return None,
    })
}

/// The dependencies of the workspace that no crate takes and names.
fn unused(workspace: &Table, crates: &[(Table, String)]) -> Vec<String> {
    let used = |name: &str| {
        let takes = |manifest: &Table| {
            dependencies(manifest)
                .iter()
                .any(|(taken, _)| taken == name)
        };
        crates
            .iter()
            .any(|(manifest, code)| takes(manifest) && names(code, name))
    };
    let listed = workspace["workspace"]["dependencies"]
        .as_table()
        .expect("a table of dependencies");
    let unused = listed.keys().filter(|name| !used(name));
    unused
        .map(|name| format!("nothing uses the dependency `{name}`: take it out of Cargo.toml"))
        .collect()
}

/// Whether code says `name::`; `tokio::time::` does not name `time`.
fn names(code: &str, name: &str) -> bool {
    let joins = |before: char| before.is_ascii_alphanumeric() || before == '_' || before == ':';
    code.match_indices(&format!("{}::", name.replace('-', "_")))
        .any(|(at, _)| !code[..at].ends_with(joins))
}

/// All dependencies of a manifest, those of tests, build scripts and single platforms too.
fn dependencies(manifest: &Table) -> Vec<(String, Value)> {
    let platforms = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(platforms.filter_map(Value::as_table));
    tables
        .flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .flat_map(|entries| {
            entries
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
        })
        .collect()
}

fn ours(workspace: &Table) -> Ours {
    let listed = workspace["workspace"]["dependencies"]
        .as_table()
        .expect("a table of dependencies");
    let path = |value: &Value| Some(value.get("path")?.as_str()?.to_owned());
    listed
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), path(value)?)))
        .collect()
}

fn members(workspace: &Table) -> Vec<String> {
    let members = workspace["workspace"]["members"]
        .as_array()
        .expect("a list of members");
    members
        .iter()
        .map(|member| member.as_str().expect("a folder").to_owned())
        .collect()
}

fn manifest(folder: &str) -> Table {
    table(&files::read(
        format!("{folder}/Cargo.toml").trim_start_matches('/'),
    ))
}

fn table(text: &str) -> Table {
    text.parse().expect("cargo has read this file too")
}

/// The member that a file belongs to; the root package is the empty folder.
fn crate_of<'a>(path: &str, folders: &'a [String]) -> &'a str {
    let holds = |folder: &&String| !folder.is_empty() && path.starts_with(&format!("{folder}/"));
    folders.iter().find(holds).map_or("", String::as_str)
}

const SAMPLE: &str = "[workspace.dependencies]
schemas = { path = \"schemas\" }
stage = { path = \"stage\" }
jumio = { path = \"outside/jumio\" }
enrich = { path = \"enrich\" }
notify = { path = \"notify\" }";

#[test]
fn a_forbidden_dependency_is_found_wherever_it_stands() {
    let ours = ours(&table(SAMPLE));
    for (folder, manifest, faults) in [
        ("", "[dependencies]\nenrich.workspace = true", 0),
        ("notify", "[dependencies]\njumio.workspace = true", 0),
        ("notify", "[dependencies]\nenrich.workspace = true", 1),
        ("notify", "[dev-dependencies]\nenrich.workspace = true", 1),
        (
            "notify",
            "[target.x.dependencies]\nenrich.workspace = true",
            1,
        ),
        (
            "notify",
            "[dependencies]\nenrich = { path = \"../enrich\" }",
            2,
        ),
        ("notify", "[dependencies]\nhex = \"0.4\"", 1),
        ("stage", "[dependencies]\nschemas.workspace = true", 0),
        ("stage", "[dependencies]\njumio.workspace = true", 1),
        ("schemas", "[dependencies]\nstage.workspace = true", 1),
        ("outside/jumio", "[dependencies]\nstage.workspace = true", 1),
        ("somewhere", "[dependencies]\nschemas.workspace = true", 1),
    ] {
        let found = strangers(folder, &table(manifest), &ours);
        assert_eq!(found.len(), faults, "{folder}: {manifest}: {found:?}");
    }
}

#[test]
fn an_unused_dependency_is_found() {
    let workspace = table("[workspace.dependencies]\nonce-cell = \"1\"\nhex = \"0.4\"");
    let taken = table("[dependencies]\nonce-cell.workspace = true\nhex.workspace = true");
    let found = |code: &str| unused(&workspace, &[(taken.clone(), code.to_owned())]).len();
    assert_eq!(found("use once_cell::sync; hex::encode(b)"), 0);
    assert_eq!(found("use once_cell::sync; other::hex::encode(b)"), 1);
    assert_eq!(found("// hex and once_cell"), 2);
    let strange = [(
        Table::new(),
        "use once_cell::sync; hex::encode(b)".to_owned(),
    )];
    assert_eq!(unused(&workspace, &strange).len(), 2);
}
