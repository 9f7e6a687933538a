from stage5_evals.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
