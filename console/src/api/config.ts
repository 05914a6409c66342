/** What the console's own server says about the installation; nothing in it is secret. */
export interface Config {
  readonly apiUrl: string;
  readonly region: string;
  readonly account: string;
  readonly version: string;
}

let config: Config | undefined;

export async function loadConfig(): Promise<Config> {
  const response = await fetch("/config.json", { cache: "no-cache" });
  if (!response.ok) throw new Error(`/config.json answered ${response.status}`);
  config = (await response.json()) as Config;
  return config;
}

/** The configuration, which is loaded before anything is rendered. */
export function getConfig(): Config {
  if (config === undefined) throw new Error("the configuration is not loaded yet");
  return config;
}

/** For tests of view logic, which have no server. */
export function setConfig(value: Config): void {
  config = value;
}
