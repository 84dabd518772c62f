//! `hook`: a lifecycle hook whose answer is given on its command line.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_json::{Map, Value, json};

use crate::{Outcome, args::Args, failure::Failure, mark, output};

/// Where Provost puts `event.json` and reads `out/` of a hook container.
const HOME: &str = "/provost";

const OPTIONS: &str = "\
usage: hook [OPTIONS]
Prints the event that it got as one line, then does in this order what the options say:
  --get PATH                print a value of event.json, such as locals.artifact.path, as JSON
  --mark FILE               append a line of evidence, as the command `mark` does
  --progress N              report N steps in progress.jsonl
  --set-local PATH=VALUE    set a local; a VALUE that is JSON is taken as such, anything else as text
  --set-global PATH=VALUE   set a global
  --allow                   answer that the run may go on
  --deny REASON             answer that it may not
  --sleep SECONDS           sleep
  --exit N                  exit with N";

/// What the options ask for.
#[derive(Debug, Default, PartialEq)]
struct Wishes {
    get: Vec<String>,
    mark: Option<PathBuf>,
    progress: u32,
    locals: Map<String, Value>,
    globals: Map<String, Value>,
    reply: Option<Value>,
    sleep: Duration,
    exit: u8,
}

/// `hook [OPTIONS]`
pub fn hook(mut args: Args) -> Outcome {
    let mut wishes = Wishes::default();
    while let Some(option) = args.next() {
        if option == "--help" {
            output::line(OPTIONS)?;
            return Ok(0);
        }
        wishes.take(&option, &mut args)?;
    }
    for line in wishes.carry_out(Path::new(HOME))? {
        output::line(&line)?;
    }
    thread::sleep(wishes.sleep);
    Ok(wishes.exit)
}

impl Wishes {
    fn take(&mut self, option: &str, args: &mut Args) -> Result<(), Failure> {
        match option {
            "--get" => self.get.push(args.text(option)?),
            "--mark" => self.mark = Some(args.text(option)?.into()),
            "--progress" => self.progress = args.number(option)?,
            "--set-local" => set(&mut self.locals, args)?,
            "--set-global" => set(&mut self.globals, args)?,
            "--allow" => self.reply = Some(json!({"allow": true})),
            "--deny" => self.reply = Some(json!({"allow": false, "reason": args.text(option)?})),
            "--sleep" => self.sleep = args.seconds(option)?,
            "--exit" => self.exit = args.number(option)?,
            other => {
                return Err(args.wrong(&format!("there is no option `{other}`; `hook --help` lists them")));
            }
        }
        Ok(())
    }

    /// Reads the event and writes the answers below `home`; returns the lines to print.
    fn carry_out(&self, home: &Path) -> Result<Vec<String>, Failure> {
        let path = home.join("event.json");
        let text = fs::read_to_string(&path).map_err(|error| Failure::at("read", &path, &error))?;
        let event: Value = serde_json::from_str(&text)
            .map_err(|error| Failure::work(format!("{} is not JSON: {error}", path.display())))?;
        let mut lines = vec![describe(&event)];
        for wanted in &self.get {
            let value = find(&event, wanted).map_or_else(|| "absent".to_owned(), Value::to_string);
            lines.push(format!("{wanted} = {value}"));
        }
        if let Some(file) = &self.mark {
            mark::note(file, event["event"].as_str().unwrap_or_default())?;
        }
        self.answer(&home.join("out"))?;
        Ok(lines)
    }

    fn answer(&self, out: &Path) -> Result<(), Failure> {
        if self.progress > 0 {
            let steps = (1..=self.progress).map(|step| progress(step, self.progress));
            save(&out.join("progress.jsonl"), &steps.collect::<String>())?;
        }
        for (name, values) in [("locals.json", &self.locals), ("globals.json", &self.globals)] {
            if !values.is_empty() {
                save(&out.join(name), &json!(values).to_string())?;
            }
        }
        match &self.reply {
            Some(reply) => save(&out.join("reply.json"), &reply.to_string()),
            None => Ok(()),
        }
    }
}

/// `event run.starting of nightly due 2026-11-20T01:00:00Z`, without what the event does not say.
fn describe(event: &Value) -> String {
    let mut line = format!("event {}", event["event"].as_str().unwrap_or("without a name"));
    for (word, value) in [("of", &event["subject"]), ("due", &event["data"]["due"])] {
        if let Some(value) = value.as_str() {
            line.push_str(&format!(" {word} {value}"));
        }
    }
    line
}

/// One line of `progress.jsonl`.
fn progress(step: u32, steps: u32) -> String {
    let percent = u64::from(step) * 100 / u64::from(steps);
    format!("{}\n", json!({"progress": percent, "message": format!("step {step} of {steps}")}))
}

/// Takes `PATH=VALUE` from the arguments into `values`; the parts of a path are separated by dots.
fn set(values: &mut Map<String, Value>, args: &mut Args) -> Result<(), Failure> {
    let setting = args.text("the setting")?;
    let (path, value) = setting.split_once('=').ok_or_else(|| args.wrong(&format!("`{setting}` is not PATH=VALUE")))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    let (parents, name) = path.rsplit_once('.').map_or((None, path), |(parents, name)| (Some(parents), name));
    let mut here = values;
    for parent in parents.into_iter().flat_map(|parents| parents.split('.')) {
        here = here
            .entry(parent)
            .or_insert_with(|| json!({}))
            .as_object_mut()
            .ok_or_else(|| args.wrong(&format!("`{path}`: `{parent}` is a value already")))?;
    }
    here.insert(name.to_owned(), value);
    Ok(())
}

/// The value at a path such as `data.steps.0.exit`.
fn find<'a>(event: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(event, |here, part| match here {
        Value::Array(values) => values.get(part.parse::<usize>().ok()?),
        _ => here.get(part),
    })
}

fn save(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Failure::at("write", path, &error))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use tempfile::TempDir;

    use super::*;

    /// Runs a hook with these options on this event; returns its folder and the lines that it prints.
    fn run(event: &Value, options: &[&str]) -> (TempDir, Vec<String>) {
        let home = TempDir::new().unwrap();
        fs::write(home.path().join("event.json"), event.to_string()).unwrap();
        fs::create_dir(home.path().join("out")).unwrap();
        let lines = wishes(options).unwrap().carry_out(home.path()).unwrap();
        (home, lines)
    }

    fn wishes(options: &[&str]) -> Result<Wishes, Failure> {
        let mut args = Args::new("hook", "[OPTIONS]", options.iter().map(|&word| word.to_owned()).collect());
        let mut wishes = Wishes::default();
        while let Some(option) = args.next() {
            wishes.take(&option, &mut args)?;
        }
        Ok(wishes)
    }

    fn out(home: &TempDir, name: &str) -> String {
        fs::read_to_string(home.path().join("out").join(name)).unwrap()
    }

    #[test]
    fn it_says_which_event_it_got() {
        let event = json!({"event": "run.starting", "subject": "nightly", "data": {"due": "2026-11-20T01:00:00Z"}});
        assert_eq!(run(&event, &[]).1, ["event run.starting of nightly due 2026-11-20T01:00:00Z"]);
        let event = json!({"event": "server.startup", "subject": null});
        assert_eq!(run(&event, &[]).1, ["event server.startup"]);
    }

    #[test]
    fn it_prints_values_of_the_event() {
        let event = json!({"event": "a", "data": {"steps": [{"exit": 3}]}, "locals": {"x": "y"}});
        let lines = run(&event, &["--get", "data.steps.0.exit", "--get", "locals.x", "--get", "data.none.at.all"]).1;
        assert_eq!(lines[1..], ["data.steps.0.exit = 3", "locals.x = \"y\"", "data.none.at.all = absent"]);
    }

    #[test]
    fn it_writes_locals_and_globals_with_nested_keys() {
        let (home, _) = run(
            &json!({"event": "a"}),
            &["--set-local", "artifact.path=/x", "--set-local", "artifact.size=3", "--set-global", "seen=true"],
        );
        assert_eq!(out(&home, "locals.json"), r#"{"artifact":{"path":"/x","size":3}}"#);
        assert_eq!(out(&home, "globals.json"), r#"{"seen":true}"#);
        assert!(!home.path().join("out/reply.json").exists(), "no answer was asked for");
    }

    #[test]
    fn it_answers_and_reports_progress() {
        let (home, _) = run(&json!({"event": "a"}), &["--deny", "not today", "--progress", "2"]);
        assert_eq!(out(&home, "reply.json"), r#"{"allow":false,"reason":"not today"}"#);
        assert_eq!(
            out(&home, "progress.jsonl"),
            "{\"message\":\"step 1 of 2\",\"progress\":50}\n{\"message\":\"step 2 of 2\",\"progress\":100}\n"
        );
        let (home, _) = run(&json!({"event": "a"}), &["--allow"]);
        assert_eq!(out(&home, "reply.json"), r#"{"allow":true}"#);
    }

    #[test]
    fn it_refuses_what_it_does_not_know() {
        for options in
            [&["--nonsense"][..], &["--set-local", "novalue"], &["--set-local", "a=1", "--set-local", "a.b=2"]]
        {
            let failure = wishes(options).unwrap_err();
            assert_eq!(failure.code, 2, "{options:?}: {}", failure.message);
        }
    }

    #[test]
    fn an_event_that_is_missing_or_broken_is_an_error() {
        let home = TempDir::new().unwrap();
        assert_eq!(wishes(&[]).unwrap().carry_out(home.path()).unwrap_err().code, 1);
        fs::write(home.path().join("event.json"), "{").unwrap();
        assert!(wishes(&[]).unwrap().carry_out(home.path()).unwrap_err().message.contains("is not JSON"));
    }
}
