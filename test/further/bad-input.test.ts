import { moreWrongInput } from "../process/bad-input.suite.ts";

moreWrongInput();
