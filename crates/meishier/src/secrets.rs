//! Passwords that the configuration only names: first lines of files, environment variables.

use meishier_config::{Config, Secret, Unreadable};
use std::io::Read;
use std::path::Path;

/// Longest file that is looked at, bytes.
const MOST: u64 = 4096;

/// Puts every password in its place.
///
/// # Errors
/// Which of them cannot be had, and why; never empty, and without a word of what stands there.
pub fn fill(config: &mut Config) -> Result<(), Vec<Unreadable>> {
    let mut failures = Vec::new();
    let passwords = config.trunks.iter_mut().filter_map(|trunk| {
        let login = trunk.login.as_mut()?;
        let of = (
            format!("中继 {:?} 的密码", trunk.name),
            format!("the password of trunk {:?}", trunk.name),
        );
        Some((of, &mut login.password))
    });
    let receivers = &mut config.dossier.receivers;
    let keys = receivers.iter_mut().filter_map(|receiver| {
        let of = (
            format!("接收方 {:?} 的签名密钥", receiver.name),
            format!("the secret of receiver {:?}", receiver.name),
        );
        Some((of, receiver.secret.as_mut()?))
    });
    for ((of_zh, of_en), secret) in passwords.chain(keys) {
        let found = match &*secret {
            Secret::Text(_) => continue,
            Secret::File(path) => first_line(path).map_err(|why| {
                let file = path.display();
                (
                    format!("文件 {file}：{}", why.0),
                    format!("file {file}: {}", why.1),
                )
            }),
            Secret::Variable(name) => std::env::var(name).map_err(|_| {
                (
                    format!("没有环境变量 {name}"),
                    format!("there is no environment variable {name}"),
                )
            }),
        };
        let found = found.and_then(|text| match Secret::fits(&text) {
            true => Ok(text),
            false => Err((
                "应是一行，不空，最多 256 字节".to_owned(),
                "must be one line, not empty, at most 256 bytes".to_owned(),
            )),
        });
        match found {
            Ok(text) => *secret = Secret::Text(text),
            Err((zh, en)) => failures.push(Unreadable {
                message_zh: format!("{of_zh}读不到：{zh}"),
                message_en: format!("{of_en} cannot be had: {en}"),
            }),
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures)
    }
}

fn first_line(path: &Path) -> Result<String, (String, String)> {
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MOST).read_to_string(&mut text))
        .map_err(|error| {
            (
                format!("不能读取（{error}）"),
                format!("cannot be read ({error})"),
            )
        })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(password: &str) -> Config {
        let text = include_str!("../../../deploy/guizhou.toml");
        let login = format!("[[trunks]]\nauth = {{ user = \"u\", {password} }}\n");
        let text = text.replacen("[[trunks]]\n", &login, 1);
        meishier_config::parse(&text, None).unwrap().0
    }

    fn password(config: &Config) -> &str {
        let login = config.trunks[0].login.as_ref().unwrap();
        login.password.text()
    }

    #[test]
    fn files_and_variables_are_read_and_what_is_wrong_is_told_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("carrier.password");
        let named = format!("password_file = {:?}", file.display().to_string());
        let mut it = config(&named);
        assert_eq!(password(&it), "");
        assert!(fill(&mut it).is_err(), "no file");
        std::fs::write(&file, "hush hush\r\n# the rest is not looked at\n").unwrap();
        fill(&mut it).unwrap();
        assert_eq!(password(&it), "hush hush");
        fill(&mut it).unwrap();
        for bad in ["", "\nsecond", &"x".repeat(300), "tab\tbed"] {
            std::fs::write(&file, bad).unwrap();
            let mut it = config(&named);
            let told = fill(&mut it).unwrap_err();
            assert_eq!(told.len(), 1);
            let words = format!("{} {}", told[0].message_zh, told[0].message_en);
            assert!(bad.is_empty() || !words.contains(bad), "{words}");
        }
        let mut it = config("password_env = \"MEISHIER_NO_SUCH_VARIABLE\"");
        assert!(fill(&mut it).is_err());
        // Some variable that every process has.
        let mut it = config("password_env = \"CARGO_PKG_NAME\"");
        fill(&mut it).unwrap();
        assert_eq!(password(&it), "meishier");
        let mut it = config("password = \"plain\"");
        fill(&mut it).unwrap();
        assert_eq!(password(&it), "plain");
        assert!(!format!("{it:?}").contains("\"plain\""));
    }
}
