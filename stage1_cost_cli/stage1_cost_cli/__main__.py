from stage1_cost_cli.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
