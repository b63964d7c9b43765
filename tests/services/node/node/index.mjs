const RELEASE = "Release1";

export const handler = async () => {
  if (RELEASE.includes("Bad")) throw new TypeError("undefined is not a function");
  return { works: true };
};
