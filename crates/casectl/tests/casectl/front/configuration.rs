//! Flag before environment before file before default.

use std::fs;
use std::path::Path;

use super::{Desk, Said, Setting};

/// Where a list is looked for, as the error tells it.
async fn asked(setting: Setting, flags: &[&str]) -> String {
    let said = setting.run(&[flags, &["list", "--timeout", "1ms"]].concat()).await;
    assert_eq!(said.code, 69, "{said:?}");
    said.err.split("service at ").nth(1).unwrap().split([' ', ';']).next().unwrap().trim_end_matches(':').to_owned()
}

fn file(folder: &Path, text: &str) -> String {
    let path = folder.join("casectl.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn refused(setting: Setting, flags: &[&str]) -> String {
    let Said { code, out, err } = setting.run(&[flags, &["list"]].concat()).await;
    assert_eq!((code, out.as_str()), (78, ""), "{err}");
    err
}

#[tokio::test]
async fn a_wrong_flag_is_usage_and_a_wrong_setting_is_configuration() {
    for (flag, variable, value) in [
        ("--timeout", "CASECTL_TIMEOUT", "soon"),
        ("--query", "CASECTL_QUERY", "here"),
        ("--server", "CASECTL_SERVER", "a:1"),
        ("--actor", "CASECTL_ACTOR", "no body"),
        ("--token-file", "CASECTL_TOKEN_FILE", "/nowhere"),
    ] {
        let typed = Setting::bare().run(&["list", flag, value]).await;
        assert_eq!(typed.code, 64, "{typed:?}");
        let configured = Setting::bare().with(variable, value).run(&["list"]).await;
        assert_eq!(configured.code, 78, "{configured:?}");
        assert_eq!(typed.err.replace(flag, variable), configured.err);
    }
}

#[tokio::test]
async fn the_stronger_source_wins() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), "server = \"127.0.0.4\"\nquery = \"127.0.0.3:3\"\n");
    let folder = folder.path().to_str().unwrap();
    let variable = || Setting::bare().with("CASECTL_QUERY", "127.0.0.2:2").with("XDG_CONFIG_HOME", folder);
    assert_eq!(asked(variable(), &["--query", "127.0.0.1:1"]).await, "127.0.0.1:1");
    assert_eq!(asked(variable(), &[]).await, "127.0.0.2:2");
    assert_eq!(asked(Setting::bare(), &["--config", &file]).await, "127.0.0.3:3");
    assert_eq!(asked(Setting::bare().with("CASECTL_CONFIG", &file), &[]).await, "127.0.0.3:3");
    assert_eq!(asked(Setting::bare().with("XDG_CONFIG_HOME", folder), &[]).await, "127.0.0.3:3");
    // A host of a stronger source counts before an address of a weaker one.
    assert_eq!(asked(variable(), &["--server", "127.0.0.5"]).await, "127.0.0.5:50052");
    assert_eq!(asked(Setting::bare(), &["--server", "::1"]).await, "[::1]:50052");
}

#[tokio::test]
async fn the_home_folder_has_the_default_file() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".config")).unwrap();
    file(&home.path().join(".config"), "query = \"http://127.0.0.3:3/\"");
    let setting = Setting::bare().with("HOME", home.path().to_str().unwrap());
    assert_eq!(asked(setting, &[]).await, "127.0.0.3:3");
}

#[tokio::test]
async fn actor_and_token_go_with_every_call() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "s3cret\n").unwrap();
    let (desk, address) = Desk::open().await;
    Setting::at(address).run(&["list", "--actor", "amira", "--token-file", token.to_str().unwrap()]).await;
    let call = &desk.calls()[0];
    assert_eq!((call.actor.as_deref(), call.authorization.as_deref()), (Some("amira"), Some("Bearer s3cret")));
}

#[tokio::test]
async fn all_problems_are_told_at_once_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), "actor = \"amira\"\nsevrer = \"x\"\ntimeout = 10\n");
    let setting = Setting::bare().with("CASECTL_ACTR", "x").with("CASECTL_COLOR", "sometimes");
    let err = refused(setting, &["--config", &file, "--timeout", "soon", "--query", "here"]).await;
    assert_eq!(
        err,
        format!(
            "casectl: the environment variable CASECTL_ACTR is unknown; did you mean CASECTL_ACTOR?\n\
             casectl: {file}:2: the key sevrer is unknown; did you mean server?\n\
             casectl: {file}:3: timeout must be a text in quotes\n\
             casectl: --query: \"here\" is no address (host:port): it has no port\n\
             casectl: CASECTL_COLOR: color cannot be \"sometimes\"; it is one of auto, always, never\n\
             casectl: --timeout: timeout \"soon\" is no time span such as 500ms or 10s\n"
        )
    );
}

#[tokio::test]
async fn a_named_file_must_be_there_and_a_default_one_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no.toml");
    let err = refused(Setting::bare(), &["--config", missing.to_str().unwrap()]).await;
    assert!(err.starts_with("casectl: cannot read the configuration"), "{err}");
    let (_desk, address) = Desk::open().await;
    let setting = Setting::at(address).with("XDG_CONFIG_HOME", folder.path().to_str().unwrap());
    assert_eq!(setting.run(&["list"]).await.code, 0);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_and_a_token_is_never_repeated() {
    let err = refused(Setting::bare().with("CASECTL_TOKEN", "s3\ncret"), &["--actor", "no body"]).await;
    assert!(err.contains("--actor: \"no body\": an actor is visible ASCII characters"), "{err}");
    assert!(err.contains("CASECTL_TOKEN: the token holds characters") && !err.contains("cret"), "{err}");
}
