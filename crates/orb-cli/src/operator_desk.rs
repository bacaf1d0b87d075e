//! The running crawl behind the control socket.
//!
//! In: commands. Out: wishes to the crawl, its status. May touch: the crawl's [`Control`].

use orb_api::Status;
use orb_crawl::{Control, Wish};
use orb_serve::{Command, Desk};

/// Speaks for one crawl.
pub(crate) struct OperatorDesk(pub(crate) Control);

impl Desk for OperatorDesk {
    fn status(&self) -> Status {
        Status {
            pid: Some(std::process::id()),
            ..self.0.status()
        }
    }

    fn ask(&self, command: Command) -> Result<(), String> {
        let ending = self.0.wish() >= Wish::Stop;
        let wish = match command {
            Command::Status => return Ok(()),
            Command::Stop => Wish::Stop,
            Command::Pause | Command::Resume if ending => return Err("the crawl is ending".into()),
            Command::Pause => Wish::Pause,
            Command::Resume => Wish::Run,
        };
        tracing::info!(?wish, "operator asked");
        self.0.ask(wish);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_become_wishes() {
        let control = Control::new();
        let desk = OperatorDesk(control.clone());
        for (command, wish) in [
            (Command::Status, Wish::Run),
            (Command::Pause, Wish::Pause),
            (Command::Status, Wish::Pause),
            (Command::Resume, Wish::Run),
            (Command::Stop, Wish::Stop),
        ] {
            desk.ask(command).unwrap();
            assert_eq!(control.wish(), wish, "{command:?}");
        }
        assert_eq!(
            desk.ask(Command::Resume).unwrap_err(),
            "the crawl is ending"
        );
        assert_eq!(desk.status().pid, Some(std::process::id()));
    }
}
