//! Reads Rust sources as far as the checks of the repository need it: constants with their comments, and calls of macros.

use std::fs;
use std::path::{Path, PathBuf};

/// `const NAME: &str = "value";`
#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Its comment, in one line.
    pub(crate) doc: String,
}

/// `name!(arguments)`
#[derive(Debug)]
pub(crate) struct MacroCall {
    pub(crate) name: String,
    pub(crate) arguments: Vec<String>,
    #[expect(dead_code, reason = "shown by a test that fails")]
    pub(crate) file: PathBuf,
}

/// Every source below a folder without its tests; none where the folder is not, as in a package of targets alone.
pub(crate) fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut folders: Vec<_> = folder.is_dir().then(|| folder.to_owned()).into_iter().collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !name.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
                found.push((path, code));
            }
        }
    }
    found.sort();
    found
}

/// The constants of a file.
pub(crate) fn constants(text: &str) -> Vec<Constant> {
    let mut doc = String::new();
    let mut found = Vec::new();
    // rustfmt breaks long ones after the equals sign.
    for line in text.replace("=\n    ", "= ").lines().map(str::trim) {
        if let Some(more) = line.strip_prefix("/// ") {
            doc.push_str(if doc.is_empty() { "" } else { " " });
            doc.push_str(more);
            continue;
        }
        if let Some((name, value)) = constant(line) {
            found.push(Constant { name, value, doc: std::mem::take(&mut doc) });
        }
        doc.clear();
    }
    found
}

fn constant(line: &str) -> Option<(String, String)> {
    let (_, rest) = line.split_once("const ")?;
    let (name, rest) = rest.split_once(": &str = \"")?;
    Some((name.to_owned(), rest.strip_suffix("\";")?.to_owned()))
}

/// The calls of the macros for log lines and spans.
pub(crate) fn macro_calls(file: &Path, text: &str) -> Vec<MacroCall> {
    let text: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for name in ["trace", "debug", "info", "warn", "error", "info_span", "debug_span", "error_span", "warn_span"] {
        let call = format!("{name}!(");
        for (at, _) in text.match_indices(&call) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let arguments = arguments(&text[at + call.len()..]);
            found.push(MacroCall { name: name.to_owned(), arguments, file: file.to_owned() });
        }
    }
    found
}

/// What stands between the commas, up to the closing parenthesis.
fn arguments(text: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    let mut found = vec![String::new()];
    for c in text.chars() {
        if quoted {
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else {
            match c {
                '"' => quoted = true,
                '(' | '{' | '[' => depth += 1,
                ')' | '}' | ']' if depth == 0 => break,
                ')' | '}' | ']' => depth -= 1,
                ',' if depth == 0 => {
                    found.push(String::new());
                    continue;
                }
                _ => {}
            }
        }
        found.last_mut().unwrap().push(c);
    }
    found.into_iter().map(|argument| argument.trim().to_owned()).filter(|argument| !argument.is_empty()).collect()
}

impl MacroCall {
    /// What stands after `name:`.
    pub(crate) fn event(&self) -> Option<&str> {
        self.arguments.first()?.strip_prefix("name:").map(str::trim)
    }

    /// `otel.name` if it is a text or a constant, else the name that the macro is called with.
    pub(crate) fn span_name(&self) -> Option<String> {
        let text = |argument: &str| argument.strip_prefix('"')?.strip_suffix('"').map(ToOwned::to_owned);
        self.arguments.iter().find_map(|argument| text(argument))
    }

    /// The value of a field, if it is a text.
    pub(crate) fn value_of(&self, field: &str) -> Option<String> {
        Some(self.text_of(field)?.trim_matches('"').to_owned())
    }

    /// The same as it is written: a text keeps its quotation marks.
    pub(crate) fn text_of(&self, field: &str) -> Option<String> {
        let (_, value) =
            self.arguments.iter().filter_map(|a| a.split_once('=')).find(|(name, _)| name.trim() == field)?;
        Some(value.trim().to_owned())
    }

    /// The names of the fields. Of one that is a constant (`{ names::RPC_METHOD }`), the constant.
    pub(crate) fn fields(&self) -> Vec<String> {
        let special = ["name:", "target:", "parent:"];
        let fields = self
            .arguments
            .iter()
            .filter(|argument| !is_text(argument) && !special.iter().any(|special| argument.starts_with(special)));
        // What follows the message are its values, not fields.
        let message = self.arguments.iter().position(|argument| is_text(argument)).filter(|_| !self.is_span());
        let count = message.map_or(usize::MAX, |at| {
            self.arguments[..at].iter().filter(|a| !special.iter().any(|special| a.starts_with(special))).count()
        });
        fields.take(count).map(|argument| field_name(argument)).collect()
    }

    fn is_span(&self) -> bool {
        self.name.ends_with("_span")
    }
}

/// A text alone, not a field whose name is written as one (`"case.id" = id`).
fn is_text(argument: &str) -> bool {
    argument.starts_with('"') && !argument.contains("\" = ")
}

fn field_name(argument: &str) -> String {
    let name = argument.split_once(" = ").map_or(argument, |(name, _)| name).trim().trim_start_matches(['%', '?']);
    if let Some(constant) = name.strip_prefix('{') {
        let constant = constant.trim_end_matches('}').trim();
        return constant.rsplit("::").next().unwrap_or(constant).to_owned();
    }
    name.trim_matches('"').to_owned()
}

#[test]
fn arguments_end_at_their_parenthesis_whatever_texts_contain() {
    let call = r#"name: names::X, a, b = f(1, 2), c.d = %e, "a \"text\", with {commas}, ({a}", x) rest, not"#;
    let call = MacroCall { name: "info".to_owned(), arguments: arguments(call), file: PathBuf::new() };
    assert_eq!(call.event(), Some("names::X"));
    assert_eq!(call.fields(), ["a", "b", "c.d"]);
}

#[test]
fn constants_are_read_with_their_comments_and_only_they() {
    let text = "/// One\n/// line.\npub const A: &str = \"a\";\n/// Lost.\nfn f() {}\npub(crate) const B: &str =\n    \"b\";\n";
    let found = constants(text);
    let told: Vec<_> = found.iter().map(|c| [c.name.as_str(), c.value.as_str(), c.doc.as_str()]).collect();
    assert_eq!(told, [["A", "a", "One line."], ["B", "b", ""]]);
}
